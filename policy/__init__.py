"""What every stack of this project must keep to, whoever wrote its configuration: see README.md."""
