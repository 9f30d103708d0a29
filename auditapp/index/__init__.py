"""What is derived from the log alone, so that events are found and counted: terms, words, counts."""
