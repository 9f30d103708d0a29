"""What would take an event or a story back, and what stands against it."""
