"""Every credential of a stack: where it is, how old it is, who reads it, and whether all have the same value."""
