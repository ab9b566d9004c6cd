"""Keys, the gate and monitoring, on one gateway with its database that stands as long as these modules run."""
