"""Attributes for a page, column by column: what there is, every object's value, filters, and little tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scenes import QueryError
from scenes.query import find_handles
from scenes.schema import attribute_names, unit_of
from twin.view.rpc import plain
from twin.view.words import column_titles, kind_titles, layer_titles

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from scenes import Layer, Scene
    from twin.view.rpc import SceneService

    Names = list[dict[str, Any]]

MOST_TEXTS = 2000
MOST_ROWS = 500
MOST_CELLS = 6
_FIXED = ("kind", "layer")


class PageColumns:
    """Answers ``columns``, ``values``, ``find`` and ``table`` of a scene.

    Parameters
    ----------
    scene
        The city.

    Examples
    --------
    >>> from scenes import Georeference, Scene
    >>> PageColumns(Scene(Georeference("EPSG:32651", 354_000.0, 3_457_000.0))).specs()
    []
    """

    def __init__(self, scene: Scene) -> None:
        self.scene = scene

    def register(self, service: SceneService) -> None:
        """Let a service answer by these columns."""
        service.register("columns", lambda _: self.specs())
        service.register("values", lambda params: self.values(str(params["column"])))
        service.register("find", lambda params: self.find(str(params["text"])))
        service.register("table", lambda params: self.table([int(handle) for handle in params["handles"]]))

    def specs(self) -> list[dict[str, Any]]:
        """Return name, titles, unit, type (``number`` or ``text``) and layers of each column that can be shown.

        Texts that nearly every object has to itself, such as addresses, are left out: they make no classes.
        """
        if not len(self.scene):
            return []
        layers = list(self.scene.layers)
        found = [_spec(name, "", "text", layers) for name in _FIXED]
        return found + [spec for name in self._attributes() if (spec := self._spec(name)) is not None]

    def values(self, column: str) -> dict[str, Any]:
        """Return the value of a column for every handle.

        Returns
        -------
        dict
            ``numbers``: bytes of (n,) float32 by handle, NaN = no value; of a text column they are places in
            ``texts``, a list of {value, titles} with the most frequent first; ``texts`` is None for numbers.

        Raises
        ------
        QueryError
            When no layer has the column, or it has too many different texts.
        """
        numbers: NDArray[np.float64]
        texts: Names | None
        if column in _FIXED:
            numbers, texts = self._fixed(column)
        else:
            spec = self._spec(column)
            if spec is None:
                known = ", ".join(each["name"] for each in self.specs())
                raise QueryError(column, "is not an attribute that can be shown", f"there are {known or 'none'}")
            numbers, texts = self._numbers(spec) if spec["type"] == "number" else self._texts(spec)
        return {"numbers": numbers.astype(np.float32).tobytes(), "texts": texts}

    def find(self, text: str) -> dict[str, bytes]:
        """Return ``handles``: bytes of (m,) uint32, ascending, of the objects that CQL2 text picks."""
        return {"handles": find_handles(self.scene, text).astype(np.uint32).tobytes()}

    def table(self, handles: list[int]) -> dict[str, Any]:
        """Return the first 500 of some objects with the attributes that most of them have."""
        items = [self.scene.at(handle) for handle in handles[:MOST_ROWS]]
        counts: dict[str, int] = {}
        for item in items:
            for name, value in item.attributes.items():
                counts[name] = counts.get(name, 0) + (value is not None)
        names = sorted((name for name in counts if counts[name]), key=lambda name: -counts[name])[:MOST_CELLS]
        units = {name: unit for item in items for name, unit in item.units.items()}
        return {
            "columns": [{"name": name, "titles": column_titles(name), "unit": units.get(name, "")} for name in names],
            "rows": [
                {
                    "handle": item.handle,
                    "uid": item.uid,
                    "name": item.name,
                    "kind": item.kind,
                    "kind_titles": kind_titles(item.kind),
                    "layer": item.layer,
                    "values": [plain(item.attributes.get(name)) for name in names],
                }
                for item in items
            ],
        }

    def _attributes(self) -> list[str]:
        names = (name for layer in self.scene.layers.values() for name in attribute_names(layer.table))
        return list(dict.fromkeys(names))

    def _having(self, column: str) -> Iterator[tuple[str, Layer]]:
        return ((name, each) for name, each in self.scene.layers.items() if column in attribute_names(each.table))

    def _spec(self, column: str) -> dict[str, Any] | None:
        having = dict(self._having(column))
        columns = [layer.table[column] for layer in having.values()]
        if not columns or all(each.null_count == len(each) for each in columns):
            return None
        unit = next((given for layer in having.values() if (given := unit_of(layer.table, column))), "")
        if all(_is_number(each.type) for each in columns):
            return _spec(column, unit, "number", list(having))
        if not all(_is_text(each.type) or _is_number(each.type) for each in columns):
            return None
        distinct = sum(int(pc.count_distinct(each).as_py()) for each in columns)
        many = distinct > MOST_TEXTS or (distinct > 20 and distinct > 0.5 * sum(len(each) for each in columns))
        return None if many else _spec(column, unit, "text", list(having))

    def _numbers(self, spec: Mapping[str, Any]) -> tuple[NDArray[np.float64], None]:
        numbers = np.full(len(self.scene), np.nan)
        for name in spec["layers"]:
            column = self.scene.layers[name].table[spec["name"]]
            base = self.scene.bases[name]
            numbers[base : base + len(column)] = column.cast(pa.float64()).to_numpy()
        return numbers, None

    def _texts(self, spec: Mapping[str, Any]) -> tuple[NDArray[np.float64], Names]:
        return self._places(
            {name: self.scene.layers[name].table[spec["name"]].cast(pa.string()) for name in spec["layers"]}
        )

    def _fixed(self, column: str) -> tuple[NDArray[np.float64], Names]:
        layers = self.scene.layers.items()
        if column == "kind":
            return self._places({name: layer.table["kind"].cast(pa.string()) for name, layer in layers}, kind_titles)
        names = {name: pa.chunked_array([pa.array([name] * len(layer), pa.string())]) for name, layer in layers}
        return self._places(names, lambda name: layer_titles(name) or dict(self.scene.layers[name].titles))

    def _places(self, columns: Mapping[str, pa.ChunkedArray], titles: Any = None) -> tuple[NDArray[np.float64], Names]:
        every = pa.chunked_array([chunk for each in columns.values() for chunk in each.chunks], type=pa.string())
        counts = pc.value_counts(every.drop_null()).to_pylist()
        ranked = [each["values"] for each in sorted(counts, key=lambda each: (-each["counts"], each["values"]))]
        numbers = np.full(len(self.scene), np.nan)
        for name, column in columns.items():
            base = self.scene.bases[name]
            places = pc.index_in(column, value_set=pa.array(ranked, pa.string())).cast(pa.float64())
            numbers[base : base + len(column)] = places.to_numpy()
        texts = [
            {"value": each, "titles": {"en": each, "zh": each} | (titles(each) if titles else {})} for each in ranked
        ]
        return numbers, texts


def _spec(name: str, unit: str, kind: str, layers: list[str]) -> dict[str, Any]:
    return {"name": name, "titles": column_titles(name), "unit": unit, "type": kind, "layers": layers}


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _is_text(kind: pa.DataType) -> bool:
    plain_text = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_boolean(kind)
    return bool(plain_text or (pa.types.is_dictionary(kind) and pa.types.is_string(kind.value_type)))
