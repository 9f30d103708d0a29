"""CloudEvents 1.0, and CDEvents in them."""
