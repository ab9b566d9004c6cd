"""How fast a gateway is, side by side with a bare LiteLLM and with the defaults of the official charts: bench/README.md."""
