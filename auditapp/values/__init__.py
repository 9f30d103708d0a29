"""What a recorded value is: strict JSON, when two are the same, what differs, what a field is called."""
