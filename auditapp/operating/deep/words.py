"""The index of words beside the words that the log has today.

An FTS5 table without content tells no event's words, only each word's events and places. So each event gets a
sum over its words and places, by hashes that are combined by exclusive or: first over the index, then over
the log. Eight bytes an event are kept. PostgreSQL compares the words themselves.
"""

from array import array
from collections.abc import Callable, Iterator, Sequence

from sqlalchemy import ARRAY, BigInteger, Connection, Text, bindparam, text

from auditapp.index.logged import Logged
from auditapp.index.search_index import documents_of
from auditapp.index.terms import document
from auditapp.models.types import Instant
from auditapp.operating.deep.scratch import Scratch

BLOCK = 4096
ROWS = 10_000

# Numbers of events, and whether the index holds nothing of them at all.
Differing = Iterator[tuple[int, bool]]


class WordsInSqlite:
    """The sums of what the index holds."""

    def __init__(self, scratch: Scratch, tell: Callable[[int, int], None]) -> None:
        """Walk through the copy of the index.

        :param tell: of how many places were read, and how many there are, about.
        :raise sqlite3.Error: if the index is damaged.
        """
        self._blocks: dict[int, array[int]] = {}
        connection = scratch.connection
        connection.execute("CREATE VIRTUAL TABLE temp.word USING fts5vocab(main, event_search, row)")
        connection.execute("CREATE VIRTUAL TABLE temp.place USING fts5vocab(main, event_search, instance)")
        total = connection.execute("SELECT sum(cnt) FROM temp.word").fetchone()[0] or 0
        places = connection.execute('SELECT term, "offset", doc FROM temp.place')
        count = 0
        while rows := places.fetchmany(ROWS):
            for term, place, number in rows:
                block = self._blocks.get(number // BLOCK)
                if block is None:
                    block = self._block(number)
                block[number % BLOCK] ^= hash((term, place))
            count += len(rows)
            tell(count, total)

    def _block(self, number: int) -> "array[int]":
        return self._blocks.setdefault(number // BLOCK, array("q", bytes(8 * BLOCK)))

    def differing(self, events: Sequence[Logged]) -> Differing:
        """Yield the events whose words are others, and take all of them out of the sums."""
        for event in events:
            block, at = self._block(event.number), event.number % BLOCK
            kept, block[at] = block[at], 0
            if kept != _sum_of(document(event)):
                yield event.number, kept == 0

    def left(self) -> list[int]:
        """Return the numbers that words are kept of, of the events that were not asked for."""
        return [
            block * BLOCK + at
            for block, sums in sorted(self._blocks.items())
            for at, kept in enumerate(sums)
            if kept
        ]


def _sum_of(words: list[str]) -> int:
    added = 0
    for word in zip(words, range(len(words)), strict=True):
        added ^= hash(word)
    return added


_COMPARED = text(
    """
    SELECT given.event_id, kept.event_id IS NULL
    FROM unnest(:workspaces, :numbers, :times, :texts) AS given (workspace_id, event_id, occurred_at, words)
    LEFT JOIN event_search kept USING (workspace_id, event_id)
    WHERE kept.occurred_at IS DISTINCT FROM given.occurred_at
        OR kept.words IS DISTINCT FROM CAST(given.words AS tsvector)
    """
)
_LEFT = text(
    """
    SELECT workspace_id, event_id FROM event_search kept WHERE NOT EXISTS (
        SELECT FROM event WHERE event.workspace_id = kept.workspace_id AND event.id = kept.event_id
    ) ORDER BY workspace_id, event_id
    """
)


def differing_in_postgresql(connection: Connection, events: Sequence[Logged]) -> Differing:
    """Yield the events of one workspace whose words, or whose time, are others."""
    workspaces, numbers, times, texts = (
        list(column) for column in zip(*documents_of(connection, events), strict=True)
    )
    parameters = {"workspaces": workspaces, "numbers": numbers, "times": times, "texts": texts}
    types = (BigInteger, BigInteger, Instant, Text)
    statement = _COMPARED.bindparams(
        *(bindparam(name, type_=ARRAY(kind)) for name, kind in zip(parameters, types, strict=True))
    )
    yield from map(tuple, connection.execute(statement, parameters))


def left_in_postgresql(connection: Connection) -> Iterator[tuple[int, int]]:
    """Yield workspace and number of words of events that there are none of."""
    yield from map(tuple, connection.execute(_LEFT.execution_options(yield_per=1000)))
