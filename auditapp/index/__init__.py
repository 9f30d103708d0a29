"""What is derived from the log alone, so that events are found and counted: terms, words, counts.

The log calls :func:`index` for what it writes; whoever erases a text calls :func:`forget` before.
"""

from auditapp.index.logged import Logged
from auditapp.index.search_index import forget, index

__all__ = ["Logged", "forget", "index"]
