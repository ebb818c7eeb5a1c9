"""From names to handles: uids, aliases, codes, source ids and parents of a whole scene."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scenes.errors import UnknownObjectError
from scenes.index import TextIndex

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from scenes.model import Layer

_TEXT = pa.string()


class Lookup:
    """Finds handles by name; each index is made when it is first needed.

    Parameters
    ----------
    layers
        The layers of the scene, in handle order.
    uids
        The uid of each handle.
    """

    def __init__(self, layers: Mapping[str, Layer], uids: pa.ChunkedArray) -> None:
        self._layers = layers
        self.uids = TextIndex(uids)

    def find(self, uid: str) -> int | None:
        """Return the handle of a uid, None if there is no such object."""
        return self.uids.find(uid)

    def find_many(self, uids: Sequence[str] | pa.Array | pa.ChunkedArray) -> NDArray[np.int64]:
        """Return the handle of each uid, -1 where there is no such object."""
        return self.uids.find_many(uids)

    def handle_of(self, uid: str) -> int:
        """Return the handle of a uid.

        Raises
        ------
        UnknownObjectError
            When there is no such object.
        """
        found = self.find(uid)
        if found is None:
            raise UnknownObjectError(uid, "the scene has no such object", "use scene.resolve for aliases")
        return found

    def resolve(self, name: str) -> list[int]:
        """Return the handles that a uid, 21-digit code, ``scheme:value`` alias or source id names, ascending."""
        direct = self.find(name)
        if direct is None and len(name) == 21:
            direct = self.find(f"urn:cityobj:{name[:6]}:{name}")
        if direct is not None:
            return [direct]
        aliases, owners = self._aliases
        return sorted({*(int(owners[place]) for place in aliases.find_all(name)), *self._sources.find_all(name)})

    def children(self, uid: str) -> list[int]:
        """Return the handles of the objects whose parent is `uid`, ascending."""
        return self._parents.find_all(uid)

    @cached_property
    def _aliases(self) -> tuple[TextIndex, NDArray[np.int64]]:
        names: list[pa.Array] = []
        owners: list[NDArray[np.int64]] = []
        first = 0
        for layer in self._layers.values():
            for batch in layer.batches:
                table = batch.aliases
                joined = pc.binary_join_element_wise(table["scheme"], table["value"], ":")
                names.extend(joined.chunks)
                owners.append(table["row"].to_numpy().astype(np.int64) + first)
                first += len(batch)
        return TextIndex(pa.chunked_array(names, type=_TEXT)), np.concatenate([np.zeros(0, np.int64), *owners])

    @cached_property
    def _sources(self) -> TextIndex:
        return TextIndex(self._column("source_id"))

    @cached_property
    def _parents(self) -> TextIndex:
        return TextIndex(self._column("parent"))

    def _column(self, name: str) -> pa.ChunkedArray:
        chunks = [chunk for layer in self._layers.values() for chunk in layer.table[name].chunks]
        return pa.chunked_array(chunks, type=_TEXT)
