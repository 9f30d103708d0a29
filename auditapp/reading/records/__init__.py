"""One record: its versions, what they add up to, and what is related to it."""
