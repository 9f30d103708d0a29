"""What leaves Auditapp whole, each time noted in the log: exports, and undo documents."""
