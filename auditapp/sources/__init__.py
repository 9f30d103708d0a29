"""Foreign input → events: one file a form. Sources read and translate; only ``log`` writes."""
