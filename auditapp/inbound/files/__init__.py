"""Files of events, read piece by piece, however large they are."""
