"""The read side: filters, timeline, one event, history. Returns rows and plain values, never HTML."""
