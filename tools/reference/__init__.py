"""The configuration reference and the JSON Schema of stack files, made from the models: `make docs`."""
