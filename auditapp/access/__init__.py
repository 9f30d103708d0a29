"""Who may see what: accounts, sessions, members, roles, and the gate that every view carries."""
