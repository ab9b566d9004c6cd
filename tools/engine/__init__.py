"""What is behind `make`: stack files and overlays, the Pulumi CLI, backends. The program itself needs nothing of it."""
