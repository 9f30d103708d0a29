"""What became of a field: two values side by side, by their kind, for every page that shows changes."""
