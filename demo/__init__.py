"""A made-up company for ``flask demo``: its story as events, and synthetic events by the million."""
