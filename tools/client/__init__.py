"""A stack as its clients see it: the master key, from Vault or AWS, and an answer of the gateway."""
