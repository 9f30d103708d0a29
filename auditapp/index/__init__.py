"""What is derived from the log alone, so that events are found and counted: terms, words, counts.

It follows the log: ``followers/index.py`` calls :func:`index`, and :func:`forget` is its inverse, for whoever
erases a text. Names and kinds of events are noted by the log as it writes.
"""

from auditapp.index.logged import Logged
from auditapp.index.search_index import documents_of, forget, index

__all__ = ["Logged", "documents_of", "forget", "index"]
