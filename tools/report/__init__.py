"""What a plan or a preview says: to people, to machines and to a pull request."""
