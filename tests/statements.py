"""Whether Citus could answer a statement on one of its nodes.

A table that is spread by workspace must be held to one: by ``workspace_id = <parameter or literal>``, or by
an equality with a ``workspace_id`` that is. Whatever holds the tables of a statement must be of one value.
"""

import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

import sqlglot
from sqlglot import exp

logging.getLogger("sqlglot").setLevel(
    logging.ERROR
)  # it warns of SHOW and LOCK, which it does not take apart

KEY = "workspace_id"
PARAMETER = re.compile(r"%\((\w+)\)s|%s")
# Of these nothing is asked: they name no row.
NO_ROWS = re.compile(
    r"(SHOW|SET|SAVEPOINT|RELEASE|ROLLBACK|BEGIN|COMMIT|LOCK|ANALYZE|COPY|CREATE TEMPORARY TABLE)\b",
    re.IGNORECASE,
)
QUERIES = (exp.Select, exp.Update, exp.Delete)

Column = tuple[int, str, str]  # of which query, of which of its tables by alias, its name
Constants = frozenset[str]


class Judgement(NamedTuple):
    """What is wrong with a statement's text, if anything, and what its tables are held by.

    ``constants`` are names of parameters, numbers of positional ones, and literals with ``=`` before them.
    """

    complaint: str | None
    constants: Constants

    def disagreement(self, parameters: Any) -> str | None:
        """Tell whether one execution's parameters are of several workspaces.

        :param parameters: a mapping or a sequence, as SQLAlchemy hands them to the driver.
        """
        values = {
            name[1:]
            if name.startswith("=")
            else str(parameters[name] if isinstance(parameters, Mapping) else parameters[int(name)])
            for name in self.constants
        }
        return f"it asks of workspaces {', '.join(sorted(values))} at once" if len(values) > 1 else None


@cache
def judge(statement: str, spread: frozenset[str]) -> Judgement:
    """Judge a statement by its text.

    :param spread: the tables that are spread by workspace.
    """
    text = re.sub(r"^\s*EXPLAIN\s*(\([^)]*\))?", "", statement)
    if NO_ROWS.match(text.lstrip()):
        return Judgement(None, frozenset())
    numbers = iter(range(1000))
    text = PARAMETER.sub(lambda match: f":{match[1] or f'p{next(numbers)}_'}", text).replace("%%", "%")
    try:
        (tree,) = sqlglot.parse(text, dialect="postgres")
    except (sqlglot.ParseError, ValueError) as error:
        return Judgement(f"it cannot be parsed ({error})", frozenset())
    if tree is None or isinstance(tree, exp.Command):
        return Judgement("it cannot be parsed", frozenset())
    return _Statement(tree, spread).judgement()


class _Statement:
    """One parsed statement: which columns of its queries are held by what."""

    def __init__(self, tree: exp.Expression, spread: frozenset[str]) -> None:
        self._tree, self._spread = tree, spread
        self._named = {cte.alias: cte.this for cte in tree.find_all(exp.CTE)}
        self._queries = [*tree.find_all(*QUERIES)]
        self._sources = {id(query): dict(_sources(query)) for query in self._queries}
        self._held: dict[Column, Constants] = {}

    def judgement(self) -> Judgement:
        while any(self._hold(query) for query in self._queries):
            pass  # what one query holds may hold another
        complaints = [*self._complaints()]
        constants = frozenset().union(
            *(self._held.get((id(query), alias, KEY), ()) for query, alias, _ in self._spread_tables()),
            *(self._inserted(insert) or () for insert in self._inserts()),
        )
        return Judgement("; ".join(complaints) or None, constants)

    def _complaints(self) -> Iterator[str]:
        if any(column.name == "ctid" for column in self._tree.find_all(exp.Column)):
            yield "ctid tells nothing on another node"
        if any(lock.args.get("wait") is False for lock in self._tree.find_all(exp.Lock)):
            yield "SKIP LOCKED"
        for query, alias, table in self._spread_tables():
            if (id(query), alias, KEY) not in self._held:
                yield f"{table} is not held to a workspace"
        for insert in self._inserts():
            if self._inserted(insert) is None:
                yield f"what is inserted into {insert.find(exp.Table).name} is not held to a workspace"
            if isinstance(insert.expression, exp.Values) and insert.expression.find(exp.Select):
                yield "a subquery among the values of an INSERT"
        for update in self._tree.find_all(exp.Update):
            if any(each.this.name == KEY for each in update.expressions):
                yield "a row's workspace is changed"

    def _spread_tables(self) -> Iterator[tuple[exp.Expression, str, str]]:
        for query in self._queries:
            for alias, source in self._sources[id(query)].items():
                if isinstance(source, exp.Table) and source.name in self._spread - self._named.keys():
                    yield query, alias, source.name

    def _inserts(self) -> Iterator[exp.Insert]:
        for insert in self._tree.find_all(exp.Insert):
            if insert.find(exp.Table).name in self._spread:
                yield insert

    def _inserted(self, insert: exp.Insert) -> Constants | None:
        """Return what holds the rows that are inserted; None if nothing does."""
        columns = insert.this.expressions if isinstance(insert.this, exp.Schema) else []
        places = [place for place, column in enumerate(columns) if column.name == KEY]
        return self._held_at(insert.expression, places[0]) if places else None

    def _hold(self, query: exp.Expression) -> bool:
        """Note what a query's conditions hold; tell whether that was new."""
        before = len(self._held)
        for alias, source in self._sources[id(query)].items():
            self._hold_derived(query, alias, source)
        for condition, only in _conditions(query):
            for column, constants in self._holds(condition, query).items():
                if column[0] == id(query) and (only is None or column[1] == only):
                    self._held.setdefault(column, constants)
        return len(self._held) > before

    def _hold_derived(self, query: exp.Expression, alias: str, source: exp.Expression) -> None:
        inner = self._named.get(source.name) if isinstance(source, exp.Table) else source.this
        inner = source if isinstance(source, exp.Values) else inner
        names = source.alias_column_names
        names = names or [each.alias_or_name for each in _projection(inner)]
        for place, name in enumerate(names):
            constants = self._held_at(inner, place)
            if constants is not None:
                self._held.setdefault((id(query), alias, name), constants)

    def _held_at(self, query: Any, place: int) -> Constants | None:
        """Return what holds the column at a place of a query's rows, in each of its branches."""
        if isinstance(query, exp.Subquery):
            return self._held_at(query.this, place)
        if isinstance(query, exp.SetOperation):
            return _all_of([self._held_at(query.this, place), self._held_at(query.expression, place)])
        if isinstance(query, exp.Values):
            rows = [row.expressions[place] for row in query.expressions]
            return _all_of([_constants(each) for each in rows])
        projection = _projection(query)
        if place >= len(projection):
            return None
        value = projection[place].unalias()
        return _constants(value) or self._held.get(self._column(value, query))

    def _holds(self, condition: exp.Expression, query: exp.Expression) -> dict[Column, Constants]:
        """Return which columns a condition holds by what."""
        condition = condition.unnest()
        if isinstance(condition, exp.And):
            return {**self._holds(condition.right, query), **self._holds(condition.left, query)}
        if isinstance(condition, exp.Or):
            left, right = self._holds(condition.left, query), self._holds(condition.right, query)
            return {column: left[column] | right[column] for column in left.keys() & right.keys()}
        if isinstance(condition, exp.EQ):
            return self._held_by(condition.left, [condition.right], query) | self._held_by(
                condition.right, [condition.left], query
            )
        if isinstance(condition, exp.In) and condition.expressions:
            return self._held_by(condition.this, condition.expressions, query)
        return {}

    def _held_by(
        self, held: exp.Expression, values: list[exp.Expression], query: exp.Expression
    ) -> dict[Column, Constants]:
        """Return which columns are held by being equal to one of some values."""
        if isinstance(held, exp.Tuple):
            result: dict[Column, Constants] = {}
            rows = [value.unnest() for value in values]
            for place, each in enumerate(held.expressions):
                if all(isinstance(row, exp.Tuple) for row in rows):
                    result |= self._held_by(each, [row.expressions[place] for row in rows], query)
            return result
        column = self._column(held, query)
        if column is None:
            return {}
        constants = _all_of([_constants(value) or self._held_here(value, query) for value in values])
        return {} if constants is None else {column: constants}

    def _held_here(self, value: exp.Expression, query: exp.Expression) -> Constants | None:
        """Return what holds a column that a query may be held by in turn.

        Of a query around it, Citus follows the columns of spread tables only.
        """
        column = self._column(value, query)
        if column is not None and column[0] != id(query):
            source = self._sources[column[0]][column[1]]
            if not (isinstance(source, exp.Table) and source.name in self._spread):
                return None
        return self._held.get(column)

    def _column(self, value: exp.Expression, query: exp.Expression | None) -> Any:
        """Return of which query and table a column is: of the innermost that has it; None if it is none."""
        value = _bare(value)
        if not isinstance(value, exp.Column):
            return None
        while query is not None:
            sources = self._sources.get(id(query), {})
            if value.table in sources:
                return id(query), value.table, value.name
            if not value.table and (having := [*self._having(value.name, query, sources)]):
                return id(query), having[0], value.name
            query = query.find_ancestor(*QUERIES)
        return None

    def _having(
        self, name: str, query: exp.Expression, sources: Mapping[str, exp.Expression]
    ) -> Iterator[str]:
        for alias, source in sources.items():
            is_spread = isinstance(source, exp.Table) and source.name in self._spread and name == KEY
            if is_spread or len(sources) == 1 or (id(query), alias, name) in self._held:
                yield alias


def _sources(query: exp.Expression) -> Iterator[tuple[str, exp.Expression]]:
    """Yield what a query reads or changes, by alias."""
    if not isinstance(query, exp.Select):
        yield query.this.alias_or_name, query.this
    start = query.args.get("from_")
    more = [start.this] if start else []
    for source in (*more, *(query.args.get("using") or ())):
        yield source.alias_or_name, source
    for source in more:
        yield from ((join.this.alias_or_name, join.this) for join in source.args.get("joins") or ())
    for join in query.args.get("joins") or ():
        yield join.this.alias_or_name, join.this


def _conditions(query: exp.Expression) -> Iterator[tuple[exp.Expression, str | None]]:
    """Yield what must be true of a query's rows, and of which table alone it says something."""
    if where := query.args.get("where"):
        yield where.this, None
    start = query.args.get("from_")
    nested = start.this.args.get("joins") or () if start else ()
    for join in (*nested, *(query.args.get("joins") or ())):
        only = join.this.alias_or_name if join.side == "LEFT" else None
        if join.side in {"RIGHT", "FULL"}:
            continue
        if on := join.args.get("on"):
            yield on, only
        first = start.this.alias_or_name if start else ""
        for name in join.args.get("using") or ():
            left, right = (exp.column(name.name, table=table) for table in (first, join.this.alias_or_name))
            yield exp.EQ(this=left, expression=right), only


def _projection(query: Any) -> list[exp.Expression]:
    if isinstance(query, exp.Subquery):
        return _projection(query.this)
    if isinstance(query, exp.SetOperation):
        return _projection(query.this)
    if isinstance(query, exp.Update | exp.Delete | exp.Insert):
        returning = query.args.get("returning")
        return list(returning.expressions) if returning else []
    return list(query.expressions) if isinstance(query, exp.Select) else []


def _bare(value: exp.Expression) -> exp.Expression:
    while isinstance(value, exp.Cast | exp.Paren):
        value = value.this
    return value


def _constants(value: exp.Expression) -> Constants | None:
    value = _bare(value)
    if isinstance(value, exp.Placeholder):
        positional = re.fullmatch(r"p(\d+)_", value.name)
        return frozenset([positional[1] if positional else value.name])
    return frozenset([f"={value.name}"]) if isinstance(value, exp.Literal) else None


def _all_of(parts: Iterable[Constants | None]) -> Constants | None:
    known = [part for part in parts if part is not None]
    return frozenset().union(*known) if known and len(known) == len([*parts]) else None
