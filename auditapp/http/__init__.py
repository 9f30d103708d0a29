"""What both front doors know of a request: who calls, under which address the site is, what gates are."""
