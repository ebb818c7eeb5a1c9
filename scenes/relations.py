"""Relations between objects beside the spatial tree: connected, filled, bounded, member of a group, built by a task.

A relation goes from one object to another. Each batch keeps the ones that go out from its rows as an Arrow table
(`RELATIONS`); the other end is a uid, which may lie in another batch, layer or scene. The words for kinds are in
``docs/reference/city-package.md``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scenes.index import TextIndex

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from scenes.model import Batch

RELATIONS = pa.schema([("row", pa.uint32()), ("kind", pa.string()), ("target", pa.string()), ("role", pa.string())])
EDGES = pa.schema([("source", pa.string()), ("target", pa.string()), ("kind", pa.string()), ("role", pa.string())])


class Relation(NamedTuple):
    """One relation of an object, seen from it.

    Parameters
    ----------
    kind
        What it is: ``connects``, ``fills``, ``bounds``, ``covers``, ``member``, ``precedes``, ...
    role
        More about it, empty if there is no more to say.
    other
        The uid at the other end.
    outgoing
        Whether it goes from this object to the other one.
    """

    kind: str
    role: str
    other: str
    outgoing: bool


class RelationGroup(NamedTuple):
    """The relations of one object that are of one kind and go one way.

    Parameters
    ----------
    kind, outgoing
        What they are, and whether they go out from the object.
    total
        How many there are.
    first
        The first few of them.
    """

    kind: str
    outgoing: bool
    total: int
    first: list[Relation]


def relation_table(
    rows: Sequence[int] | NDArray[np.integer], kinds: Sequence[str], targets: Sequence[str], roles: Sequence[str]
) -> pa.Table:
    """Return a table of relations: from a row of the batch, of a kind, to a uid, with a role.

    Examples
    --------
    >>> relation_table([0], ["fills"], ["urn:uuid:1"], [""]).num_rows
    1
    """
    return pa.table([pa.array(rows, pa.uint32()), list(kinds), list(targets), list(roles)], schema=RELATIONS)


def kept_rows(table: pa.Table, picked: NDArray[np.int64]) -> pa.Table:
    """Return the part of a table with a column ``row`` (aliases, relations) that belongs to some rows, renumbered.

    Parameters
    ----------
    table
        Aliases or relations of a batch.
    picked
        Rows that stay, ascending; they become 0, 1, ...
    """
    old = table["row"].to_numpy().astype(np.int64)
    mine = np.isin(old, picked)
    column = pa.array(np.searchsorted(picked, old[mine]).astype(np.uint32))
    place = table.schema.get_field_index("row")
    return table.filter(pa.array(mine)).set_column(place, table.schema.field(place), column)


class RelationIndex:
    """Finds the relations of an object, from both ends; made when somebody first asks.

    Parameters
    ----------
    batches
        All batches of a scene.
    uids
        An index of the uids of the scene; relations whose other end is not there are left out.
    """

    def __init__(self, batches: Iterable[Batch], uids: TextIndex) -> None:
        parts = [_edges(batch) for batch in batches if batch.relations.num_rows]
        every = pa.concat_tables([EDGES.empty_table(), *parts])
        self.edges = every.filter(pa.array(uids.find_many(every["target"]) >= 0))
        self._sources = TextIndex(self.edges["source"])
        self._targets = TextIndex(self.edges["target"])

    def of(self, uid: str) -> list[Relation]:
        """Return the relations of one object, those that go out first."""
        out = self._at(self._sources.find_all(uid)).to_pylist()
        into = self._at(self._targets.find_all(uid)).to_pylist()
        return [
            *(Relation(each["kind"], each["role"], each["target"], outgoing=True) for each in out),
            *(Relation(each["kind"], each["role"], each["source"], outgoing=False) for each in into),
        ]

    def groups(self, uid: str, most: int) -> list[RelationGroup]:
        """Return the relations of one object by kind and way, at most `most` of each spelled out."""
        return [
            *self._groups(self._sources.find_all(uid), "target", most),
            *self._groups(self._targets.find_all(uid), "source", most),
        ]

    def _at(self, places: list[int]) -> pa.Table:
        return self.edges.take(pa.array(places, pa.int64()))

    def _groups(self, places: list[int], end: str, most: int) -> list[RelationGroup]:
        edges = self._at(places)
        found = []
        for kind in sorted(edges["kind"].unique().to_pylist()):
            mine = edges.filter(pc.equal(edges["kind"], kind))
            first = [
                Relation(kind, each["role"], each[end], outgoing=end == "target")
                for each in mine.slice(0, most).to_pylist()
            ]
            found.append(RelationGroup(kind, end == "target", mine.num_rows, first))
        return found

    def graph(self, kind: str) -> pd.DataFrame:
        """Return the edges of one kind, or of all if it is empty, with the columns source, target, kind, role."""
        chosen = self.edges.filter(pc.equal(self.edges["kind"], kind)) if kind else self.edges
        return cast("pd.DataFrame", chosen.to_pandas())


def _edges(batch: Batch) -> pa.Table:
    table = batch.relations.cast(RELATIONS)
    sources = batch.table["uid"].take(table["row"])
    return pa.table([sources, table["target"], table["kind"], table["role"]], schema=EDGES)
