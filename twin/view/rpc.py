"""What a page may ask: properties, search, series, codes, simulations. Knows the scene, not the transport."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pyarrow.compute as pc

from scenes import CityTwinError, QueryError, UnknownObjectError
from twin.view.words import column_titles, kind_titles
from twin.view.words_relations import relation_titles

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from scenes import CityObject, Scene

    Answer = Callable[[Mapping[str, Any]], Any]

DEEPEST = 32
MOST_CHILDREN = 50
MOST_RELATED = 6
MOST_HITS = 100
SAFE_INTEGER = 2**53


class StreamProvider(Protocol):
    """Gives the live data of objects; `twin.live.LiveHub` is one."""

    def streams_of(self, handle: int) -> list[dict[str, Any]]:
        """Return the datastreams of an object: id, name, titles, unit, value, time in ms, quality, age_s."""

    def series(self, handle: int, hours: float) -> list[dict[str, Any]]:
        """Return the course of each datastream of an object: stream, titles, unit, t in ms, v, q."""


@dataclass(frozen=True, eq=False)
class OverlayData:
    """An overlay that a page may choose: its spec, and how to get its codes and its surface.

    Parameters
    ----------
    spec
        `ColourScale.spec`.
    codes
        Gives (n,) uint8, one for each handle; called when a page shows the overlay.
    surface
        A glb that is drawn with it, empty = none.
    """

    spec: Mapping[str, Any]
    codes: Callable[[], NDArray[np.uint8]]
    surface: bytes = b""


@dataclass(eq=False)
class SceneService:
    """Answers the questions of a page about a scene; safe to call from several threads.

    Parameters
    ----------
    scene
        The city.
    streams
        Live data of objects, None = there is none.
    methods
        Further methods by name; each takes the parameters and returns JSON (bytes are allowed).

    Examples
    --------
    >>> from scenes import Georeference, Scene
    >>> empty = Scene(Georeference("EPSG:32651", 354_000.0, 3_457_000.0))
    >>> SceneService(empty).ask("search", {"text": "tower"})
    []
    """

    scene: Scene
    streams: StreamProvider | None = None
    methods: dict[str, Answer] = field(default_factory=dict)
    overlays: dict[int, OverlayData] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Add the methods that every scene answers; those that were given come first."""
        own: dict[str, Answer] = {
            "properties": self._properties,
            "search": self._search,
            "series": self._series,
            "bounds": self._bounds,
            "codes": self._codes,
        }
        self.methods = {**own, **self.methods}

    def register(self, method: str, answer: Answer) -> None:
        """Let `answer` handle a method, in place of an earlier one."""
        self.methods[method] = answer

    def add_overlay(self, overlay: OverlayData) -> None:
        """Offer an overlay, in place of an earlier one with its number."""
        self.overlays[int(overlay.spec["id"])] = overlay

    def ask(self, method: str, params: Mapping[str, Any]) -> Any:
        """Return the answer to a question.

        Raises
        ------
        CityTwinError
            With one sentence, when the method is unknown or the question cannot be answered.
        """
        answer = self.methods.get(method)
        if answer is None:
            raise QueryError(method, "is not a method of this view", f"there are {', '.join(sorted(self.methods))}")
        try:
            return answer(params)
        except CityTwinError:
            raise
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise QueryError(method, f"the parameters do not fit: {error}", "see twin.view.rpc") from error

    def properties(self, handle: int) -> dict[str, Any]:
        """Return everything that the page shows of an object."""
        scene = self.scene
        item = scene.at(handle)
        children = scene.children(item.uid)
        path = self._path(item)
        return {
            "uid": item.uid,
            "handle": handle,
            "layer": item.layer,
            "kind": item.kind,
            "kind_titles": kind_titles(item.kind),
            "name": item.name,
            "parent": path[-1] if path else None,
            "path": path,
            "children": [_link(child) for child in children[:MOST_CHILDREN]],
            "children_count": len(children),
            "relations": _relations(scene, item),
            "attributes": _attributes(item),
            "groups": [
                {
                    "name": str(name),
                    "items": [_property(str(key), value) for key, value in group.items()],
                }
                for name, group in item.properties.items()
            ],
            "aliases": [{"scheme": scheme, "value": value} for scheme, value in item.aliases.items()],
            "bounds": None if item.bounds is None else [float(number) for number in item.bounds],
            "source": " · ".join(str(part) for part in (item.fixed["source"], item.fixed["source_id"]) if part),
            "streams": [] if self.streams is None else plain(self.streams.streams_of(handle)),
        }

    def search(self, text: str, limit: int = 20) -> list[dict[str, Any]]:
        """Return objects whose uid or alias is `text`, then those whose name contains it (any case).

        Names that begin with the text come first, and shorter names before longer ones.
        """
        text = text.strip()
        if not text:
            return []
        limit = max(1, min(int(limit), MOST_HITS))
        direct = [item.handle for item in self.scene.resolve_all(text)]
        handles = list(dict.fromkeys([*direct, *self._named(text, limit)]))[:limit]
        return [_hit(self.scene.at(handle)) for handle in handles]

    def _named(self, text: str, limit: int) -> list[int]:
        found: list[tuple[bool, int, int]] = []
        for name, base in self.scene.bases.items():
            column = self.scene.layers[name].table["name"]
            rows = np.flatnonzero(pc.fill_null(pc.match_substring(column, text, ignore_case=True), False).to_numpy())
            names = column.take(rows).to_pylist()
            found += [
                (not each.casefold().startswith(text.casefold()), len(each), base + int(row))
                for each, row in zip(names, rows, strict=True)
            ]
        return [handle for _, _, handle in sorted(found)[:limit]]

    def _path(self, item: CityObject) -> list[dict[str, Any]]:
        path: list[dict[str, Any]] = []
        seen = {item.uid}
        parent = item.parent
        while parent and parent not in seen and parent in self.scene and len(path) < DEEPEST:
            seen.add(parent)
            above = self.scene[parent]
            path.insert(0, _link(above))
            parent = above.parent
        return path

    def _properties(self, params: Mapping[str, Any]) -> dict[str, Any]:
        if "uid" in params:
            return self.properties(self.scene.handle(str(params["uid"])))
        return self.properties(int(params["handle"]))

    def _search(self, params: Mapping[str, Any]) -> list[dict[str, Any]]:
        return self.search(str(params["text"]), int(params.get("limit", 20)))

    def _series(self, params: Mapping[str, Any]) -> list[dict[str, Any]]:
        if self.streams is None:
            return []
        series = self.streams.series(int(params["handle"]), float(params.get("hours", 24.0)))
        return [plain(each) for each in series if params.get("stream") in (None, each["stream"])]

    def _bounds(self, params: Mapping[str, Any]) -> list[float] | None:
        boxes = [box for handle in params["handles"] if (box := self._box(self.scene.at(int(handle)))) is not None]
        if not boxes:
            return None
        array = np.array(boxes)
        return [*array[:, :3].min(axis=0).tolist(), *array[:, 3:].max(axis=0).tolist()]

    def _box(self, item: CityObject, depth: int = 0) -> NDArray[np.float64] | None:
        """Return the object's box, or that of what it contains: a storey has no shape of its own."""
        if item.bounds is not None:
            return np.array(item.bounds, np.float64)
        inner = self.scene.children(item.uid) if depth < DEEPEST else []
        boxes = [box for child in inner if (box := self._box(child, depth + 1)) is not None]
        if not boxes:
            return None
        array = np.array(boxes)
        return np.concatenate([array[:, :3].min(axis=0), array[:, 3:].max(axis=0)])

    def _codes(self, params: Mapping[str, Any]) -> dict[str, Any] | None:
        overlay = self.overlays.get(int(params["overlay"]))
        if overlay is None:
            return None
        answer: dict[str, Any] = {"codes": np.ascontiguousarray(overlay.codes(), np.uint8).tobytes()}
        return answer | ({"surface": overlay.surface} if overlay.surface else {})


def _property(name: str, value: Any) -> dict[str, Any]:
    """Return one property for the page; a measured one is kept as ``{"value": 3.5, "unit": "m"}``."""
    if isinstance(value, dict) and set(value) == {"value", "unit"}:
        return {"name": name, "value": plain(value["value"]), "unit": str(value["unit"])}
    return {"name": name, "value": plain(value)}


def plain(value: Any) -> Any:  # noqa: PLR0911 - one line for each kind of value
    """Return a value as JSON can hold it: NaN becomes None, times ISO 8601, big integers text.

    Examples
    --------
    >>> plain({"a": float("nan"), "b": np.float32(1.5), "c": dt.date(2026, 1, 20), "d": 2**60})
    {'a': None, 'b': 1.5, 'c': '2026-01-20', 'd': '1152921504606846976'}
    """
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, int):
        return value if abs(value) < SAFE_INTEGER else str(value)
    if isinstance(value, (dt.datetime, dt.date, dt.time)):
        return value.isoformat()
    return f"{len(value)} bytes" if isinstance(value, bytes) else str(value)


def _link(item: CityObject) -> dict[str, Any]:
    return {
        "handle": item.handle,
        "uid": item.uid,
        "name": item.name,
        "kind": item.kind,
        "kind_titles": kind_titles(item.kind),
    }


def _relations(scene: Scene, item: CityObject) -> list[dict[str, Any]]:
    """Return the relations of an object by kind and way: how many, and the first few with the object at their end."""
    return [
        {
            "kind": group.kind,
            "outgoing": group.outgoing,
            "titles": relation_titles(group.kind, outgoing=group.outgoing),
            "count": group.total,
            "items": [_link(scene[each.other]) | {"role": each.role} for each in group.first],
        }
        for group in scene.relation_groups(item.uid, MOST_RELATED)
    ]


def _hit(item: CityObject) -> dict[str, Any]:
    box = item.bounds
    middle = None if box is None else [(box[axis] + box[axis + 3]) / 2 for axis in range(3)]
    return _link(item) | {"layer": item.layer, "point": middle}


def _attributes(item: CityObject) -> list[dict[str, Any]]:
    units = item.units
    found = [
        {"name": name, "value": plain(value), "unit": units.get(name, ""), "titles": column_titles(name)}
        for name, value in item.attributes.items()
    ]
    times = [(name, item.fixed[name]) for name in ("valid_from", "valid_to", "grade") if item.fixed[name] is not None]
    return found + [
        {"name": name, "value": plain(value), "unit": "", "titles": column_titles(name)} for name, value in times
    ]


def require_handles(scene: Scene, uids: list[str]) -> list[int]:
    """Return the handle of each uid.

    Raises
    ------
    UnknownObjectError
        Naming the first one that the scene does not have.
    """
    handles = scene.handles(uids)
    missing = np.flatnonzero(handles < 0)
    if len(missing):
        raise UnknownObjectError(uids[int(missing[0])], "the scene has no such object", "use scene.resolve for aliases")
    return [int(handle) for handle in handles]
