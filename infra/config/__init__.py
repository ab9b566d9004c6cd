"""The stack's configuration: frozen, validated models, one module per section."""
