"""Whether this installation can do its work: that it can record, and that its database is the one it had."""
