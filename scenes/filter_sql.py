"""The attribute part of a filter: CQL2 JSON to an SQL condition in which every word of the user is a parameter.

Columns are called ``c0, c1, ...`` and spatial predicates ``s0, s1, ...``, so no text of the user gets into the SQL.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from scenes.errors import QueryError
from scenes.filter_places import SPATIAL

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_COMPARISONS = frozenset({"=", "<>", "<", "<=", ">", ">="})
_ARITHMETIC = {"+": "+", "-": "-", "*": "*", "/": "/", "%": "%", "div": "//", "^": "**"}
_TEXT = {"casei": "lower", "accenti": "strip_accents", "lower": "lower", "upper": "upper"}
# Each instant or interval is (start, end); the condition on a and b follows OGC 21-065r2, table 9.
_TEMPORAL = {
    "t_after": "{a0} > {b1}",
    "t_before": "{a1} < {b0}",
    "t_equals": "({a0} = {b0} AND {a1} = {b1})",
    "t_disjoint": "({a1} < {b0} OR {a0} > {b1})",
    "t_intersects": "({a0} <= {b1} AND {a1} >= {b0})",
    "t_during": "({a0} > {b0} AND {a1} < {b1})",
}
FUNCTIONS = ", ".join(sorted({*_TEXT, *_TEMPORAL, *SPATIAL}))


_SQL_TYPES = {"number": "DOUBLE", "text": "VARCHAR", "bool": "BOOLEAN", "time": "TIMESTAMPTZ"}


@dataclass(frozen=True, slots=True)
class Term:
    """A piece of SQL and what it yields: number, text, bool, time, json (a rare attribute), none (a missing column)."""

    sql: str
    kind: str
    literal: bool = False

    def cast(self, kind: str) -> str:
        """Return the SQL of the term as another kind; a cell that cannot be cast is NULL, a literal is an error."""
        if self.kind in (kind, "none"):
            return self.sql
        return f"{'' if self.literal else 'TRY_'}CAST({self.sql} AS {_SQL_TYPES[kind]})"


@dataclass
class Condition:
    """Builds the SQL condition for one layer.

    Parameters
    ----------
    schema
        Columns of the layer.
    known
        Names that some layer of the scene has; a name that only others have is NULL here.
    place
        Called with a spatial predicate, returns the name of the column that holds its result.
    """

    schema: pa.Schema
    known: Callable[[str], bool]
    place: Callable[[Mapping[str, Any]], str]
    parameters: list[Any] = field(default_factory=list)
    columns: dict[str, str] = field(default_factory=dict)
    mismatches: dict[int, str] = field(default_factory=dict)
    fitting: set[int] = field(default_factory=set)
    comparisons: int = 0

    def where(self, node: Any) -> str:
        """Return the condition for a logical node.

        Raises
        ------
        QueryError
            When the node is not a condition, or names an unknown column or function.
        """
        if isinstance(node, bool):
            return "TRUE" if node else "FALSE"
        if not isinstance(node, dict) or ("op" not in node and "property" not in node):
            raise QueryError(str(node), "is not a condition", "compare it with something, such as height_m > 100")
        if "property" in node:
            return self._compared("=", self._term(node), Term("TRUE", "bool"))
        name, sides = str(node["op"]).lower(), list(node["args"])
        if name in ("and", "or"):
            return "(" + f" {name.upper()} ".join(self.where(side) for side in sides) + ")"
        if name == "not":
            return f"(NOT {self.where(sides[0])})"
        if name in SPATIAL:
            return self.place(node)
        return self._predicate(name, sides)

    def _predicate(self, name: str, sides: list[Any]) -> str:
        if name in _COMPARISONS:
            return self._compared(name, self._term(sides[0]), self._term(sides[1]))
        if name == "between":
            low = self._compared(">=", self._term(sides[0]), self._term(sides[1]))
            return f"({low} AND {self._compared('<=', self._term(sides[0]), self._term(sides[2]))})"
        if name == "in":
            return "(" + " OR ".join(self._compared("=", self._term(sides[0]), self._term(s)) for s in sides[1]) + ")"
        if name == "isnull":
            return f"({self._term(sides[0]).sql} IS NULL)"
        if name == "like":
            return self._like(sides)
        if name in _TEMPORAL:
            return self._temporal(name, self._ends(sides[0]), self._ends(sides[1]))
        raise QueryError(name, "is not a function of this filter", f"there are {FUNCTIONS}, LIKE, IN, BETWEEN, IS NULL")

    def _like(self, sides: list[Any]) -> str:
        term, pattern = self._term(sides[0]), self._term(sides[1])
        fits = term.kind in ("text", "json", "none") and pattern.kind == "text"
        return self._noted(fits, f"({term.sql} LIKE {pattern.sql} ESCAPE '\\')", (term, pattern))

    def _compared(self, operator: str, left: Term, right: Term) -> str:
        """Return a comparison with both sides brought to one kind."""
        kind = _common_kind(left, right)
        sql = f"({left.cast(kind)} {operator} {right.cast(kind)})" if kind else ""
        return self._noted(bool(kind), sql, (left, right))

    def _noted(self, fits: bool, sql: str, terms: tuple[Term, Term]) -> str:
        """Return the SQL if the kinds fit, else NULL; keep book, so that a comparison that fits nowhere is an error."""
        self.comparisons += 1
        kinds = [term.kind for term in terms]
        if not fits:
            self.mismatches[self.comparisons] = f"{kinds[0]} is compared with {kinds[1]}"
            return f"(CASE WHEN FALSE THEN {terms[0].sql} IS NULL AND {terms[1].sql} IS NULL END)"
        if "none" not in kinds:
            self.fitting.add(self.comparisons)
        return sql

    def _temporal(self, name: str, left: tuple[str, str], right: tuple[str, str]) -> str:
        ends = {"a0": left[0], "a1": left[1], "b0": right[0], "b1": right[1]}
        return "(" + _TEMPORAL[name].format(**ends) + ")"

    def _ends(self, node: Any) -> tuple[str, str]:
        """Return start and end of an instant or an interval as SQL."""
        if isinstance(node, dict) and "interval" in node:
            start, end = node["interval"]
            return self._instant(start, "-infinity"), self._instant(end, "infinity")
        instant = self._instant(node, "")
        return instant, instant

    def _instant(self, node: Any, unbounded: str) -> str:
        if node == "..":
            node = unbounded
        term = self._term(node)
        if term.kind not in ("time", "text", "json", "none"):
            raise QueryError(str(node), f"is {term.kind}, not a time", "write DATE('2026-01-31') or TIMESTAMP('...Z')")
        return term.cast("time")

    def _term(self, node: Any) -> Term:
        if not isinstance(node, (dict, list)):
            return self._literal(node)
        entries = node if isinstance(node, dict) else {}
        if "property" in entries:
            return self._column(str(entries["property"]))
        if "op" in entries:
            return self._function(str(entries["op"]).lower(), list(entries["args"]))
        if "date" in entries or "timestamp" in entries:
            text = self._parameter(str(next(iter(entries.values()))), "text")
            return Term(text.cast("time"), "time", literal=True)
        raise QueryError(str(node)[:80], "is not a value that can be compared", "write a number, text, date or column")

    def _literal(self, value: Any) -> Term:
        if isinstance(value, bool):
            return Term("TRUE" if value else "FALSE", "bool", literal=True)
        if value is None:
            return Term("NULL", "none", literal=True)
        return self._parameter(value, "text") if isinstance(value, str) else self._parameter(float(value), "number")

    def _parameter(self, value: Any, kind: str) -> Term:
        self.parameters.append(value)
        return Term(f"CAST(${len(self.parameters)} AS {_SQL_TYPES[kind]})", kind, literal=True)

    def _function(self, name: str, sides: list[Any]) -> Term:
        terms = [self._term(side) for side in sides]
        if name in _TEXT and len(terms) == 1:
            return Term(f"{_TEXT[name]}({terms[0].cast('text')})", "text", terms[0].literal)
        if name in _ARITHMETIC and len(terms) == 2:
            left, right = (term.cast("number") for term in terms)
            return Term(f"({left} {_ARITHMETIC[name]} {right})", "number", all(term.literal for term in terms))
        raise QueryError(name, "is not a function of this filter", f"there are {FUNCTIONS}")

    def _column(self, name: str) -> Term:
        if name in self.schema.names:
            alias = self.columns.setdefault(name, f"c{len(self.columns)}")
            return Term(alias, _kind_of(self.schema.field(name).type))
        if self.known(name):
            return Term("NULL", "none")
        group, _, item = name.partition(".")
        alias = self.columns.setdefault("properties", f"c{len(self.columns)}")
        path = self._parameter(f'$."{group}"."{item}"', "text")
        return Term(f"json_extract_string({alias}, {path.sql})", "json")


def _common_kind(left: Term, right: Term) -> str:
    """Return the kind in which two terms can be compared, empty if there is none."""
    kinds = {left.kind, right.kind} - {"none"}
    if len(kinds) < 2:
        return "text" if kinds <= {"json"} else kinds.pop()
    if "json" in kinds:
        return (kinds - {"json"}).pop()
    text = left if left.kind == "text" else right
    if kinds == {"time", "text"} or (kinds == {"number", "text"} and not text.literal):
        return (kinds - {"text"}).pop()
    return ""


def _kind_of(kind: pa.DataType) -> str:
    if pa.types.is_boolean(kind):
        return "bool"
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return "number"
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return "time"
    if pa.types.is_null(kind):
        return "none"
    return "text"
