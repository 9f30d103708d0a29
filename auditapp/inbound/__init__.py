"""Foreign input → events: a folder a product, and what reads files. Only ``log`` writes."""
