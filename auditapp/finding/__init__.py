"""What turns a filter, and what its viewer may see, into rows and counts.

``pages`` finds a page or the newest matches, out of ``scans`` of the log's indexes or, where words or
changes are asked for, out of ``full_text``; ``kept_counts`` and ``newest`` count; ``news`` tells whether
there is anything newer.
"""
