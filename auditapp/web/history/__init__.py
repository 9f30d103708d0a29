"""The history of a record: one URL, several views of it."""
