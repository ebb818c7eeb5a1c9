"""What a page needs to draw and edit: shapes of objects, footprints to snap to, and keeping what was drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from scenes import QueryError, UnknownObjectError
from scenes.schema import BOUNDS
from twin.view.rpc import plain
from twin.view.variants import shape_of
from twin.whatif.edits import AddObject, edit_from_dict
from twin.whatif.patches import Patch, fold

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from scenes import CityObject, Layer, Scene
    from twin.view.rpc import SceneService
    from twin.view.simulations import PageSimulations
    from twin.whatif.edits import Edit
    from twin.whatif.scenario import Scenario
    from twin.whatif.shelf import ScenarioShelf

    Floats = NDArray[np.float64]

SNAP_THEMES = frozenset({"buildings", "bim", "landuse"})
MOST_FOOTPRINTS = 400
MOST_CORNERS = 400
MOST_TRIANGLES = 100_000
MOST_EDITS = 2_000


class PageDrafts:
    """Answers ``shape``, ``footprints`` and ``keep_edits`` of a page.

    Parameters
    ----------
    service
        Gets the methods.
    simulations
        Knows the scenarios of the page, and hears of those that were edited.
    shelf
        Keeps edits.
    """

    def __init__(self, service: SceneService, simulations: PageSimulations, shelf: ScenarioShelf) -> None:
        self._scene = service.scene
        self._simulations = simulations
        self._shelf = shelf
        service.register("shape", self._shape)
        service.register("footprints", self._footprints)
        service.register("keep_edits", self._keep)

    def _shape(self, params: Mapping[str, Any]) -> dict[str, Any]:
        handle = int(params["handle"])
        objects = self._simulations.objects
        if objects.is_of_city(handle):
            return object_shape(self._scene.at(handle))
        scenario, _ = objects.owner(handle)
        return object_shape(objects.item(handle), scenario)

    def _footprints(self, params: Mapping[str, Any]) -> list[dict[str, Any]]:
        name = params.get("scenario")
        scenario = self._simulations.scenarios.get(str(name)) if name else None
        x0, y0, x1, y1 = (float(value) for value in params["box"])
        return footprints_within(self._scene if scenario is None else scenario.scene, (x0, y0, x1, y1))

    def _keep(self, params: Mapping[str, Any]) -> dict[str, Any]:
        told = params["edits"]
        if not isinstance(told, list) or not 0 < len(told) <= MOST_EDITS:
            raise QueryError("edits", "are not a list of edits", f"send 1 to {MOST_EDITS} at once")
        edits: list[Edit] = [edit_from_dict(each) for each in told]
        kept = self._shelf.keep(
            str(params.get("scenario") or ""), edits, str(params.get("title") or ""), str(params.get("parent") or "")
        )
        self._simulations.replace_scenarios(self._shelf.all())
        listed = self._simulations.listed()
        return {"name": kept.name, "title": kept.title or kept.name, "scenarios": listed, "edits": len(edits)}


def object_shape(item: CityObject, scenario: Scenario | None = None) -> dict[str, Any]:
    """Return the shape of an object as a page can move, turn and stretch it.

    Parameters
    ----------
    item
        The object.
    scenario
        The scenario that has it, None = the city.

    Returns
    -------
    dict
        ``positions``: bytes of (v, 3) float32 relative to ``centre``; ``triangles``: bytes of (t, 3) uint32; ``rings``:
        its footprint, empty where it has none; ``base`` and ``top``: local heights; ``height_m``: its height;
        ``pivot``: [3] about which edits turn and scale it; ``attributes`` and what it is.

    Raises
    ------
    UnknownObjectError
        When it has no triangles, or too many.
    """
    mesh = shape_of(item)
    if mesh is None or item.bounds is None:
        raise UnknownObjectError(item.uid, "it has no surface that could be moved", "choose an object with a shape")
    if mesh.triangle_count > MOST_TRIANGLES:
        advice = f"edit objects of at most {MOST_TRIANGLES}"
        raise UnknownObjectError(item.uid, f"it has {mesh.triangle_count} triangles", advice)
    low, high = np.array(item.bounds[:3]), np.array(item.bounds[3:])
    height = item.attributes.get("height_m")
    return {
        "uid": item.uid,
        "name": item.name,
        "kind": item.kind,
        "layer": item.layer,
        "positions": mesh.positions.tobytes(),
        "triangles": mesh.triangles.astype(np.uint32).tobytes(),
        "centre": mesh.centre.tolist(),
        "rings": _rings(item.footprint_wkb),
        "base": float(low[2]),
        "top": float(high[2]),
        "height_m": float(height if isinstance(height, int | float) and height > 0 else high[2] - low[2]),
        "pivot": _pivot(item, scenario).tolist(),
        "attributes": plain(dict(item.attributes)),
    }


def footprints_within(scene: Scene, box: tuple[float, float, float, float]) -> list[dict[str, Any]]:
    """Return the outer rings of footprints that meet a box (x0, y0, x1, y1, local metres), those in its middle first.

    Examples
    --------
    >>> from scenes import Georeference, Scene
    >>> footprints_within(Scene(Georeference("EPSG:32651", 354_000.0, 3_457_000.0)), (0.0, 0.0, 9.0, 9.0))
    []
    """
    middle = np.array([(box[0] + box[2]) / 2, (box[1] + box[3]) / 2])
    found: list[tuple[float, dict[str, Any]]] = []
    for layer in scene.layers.values():
        if layer.theme in SNAP_THEMES:
            found += _footprints_of(layer, box, middle)
    found.sort(key=lambda each: each[0])
    return [each for _, each in found[:MOST_FOOTPRINTS]]


def _footprints_of(
    layer: Layer, box: tuple[float, float, float, float], middle: Floats
) -> list[tuple[float, dict[str, Any]]]:
    low_x, low_y, low_z, high_x, high_y, high_z = (layer.table[name].to_numpy() for name in BOUNDS)
    with np.errstate(invalid="ignore"):
        near = (low_x <= box[2]) & (high_x >= box[0]) & (low_y <= box[3]) & (high_y >= box[1])
    rows = np.flatnonzero(near)
    away = np.hypot((low_x[rows] + high_x[rows]) / 2 - middle[0], (low_y[rows] + high_y[rows]) / 2 - middle[1])
    found = []
    for place in np.argsort(away, kind="stable")[:MOST_FOOTPRINTS]:
        row = int(rows[place])
        rings = _rings(layer.table["footprint"][row].as_py())
        if rings and len(rings[0]) <= MOST_CORNERS:
            told = {"ring": rings[0], "base": float(low_z[row]), "top": float(high_z[row])}
            found.append((float(away[place]), told))
    return found


def _rings(wkb: bytes | None) -> list[list[list[float]]]:
    """Return the rings of the largest polygon of a footprint, each without its first point again; empty for none."""
    if wkb is None:
        return []
    parts = [part for part in shapely.get_parts(shapely.from_wkb(wkb)) if isinstance(part, shapely.Polygon)]
    if not parts:
        return []
    largest = max(parts, key=lambda part: float(part.area))
    return [shapely.get_coordinates(ring)[:-1].tolist() for ring in (largest.exterior, *largest.interiors)]


def _pivot(item: CityObject, scenario: Scenario | None) -> Floats:
    """Return the point about which edits turn and scale an object: the middle of its first foot, moved along."""
    box = np.array(item.bounds, np.float64)
    patch = Patch()
    if scenario is not None:
        changes = fold(scenario.all_edits, scenario.root)
        if item.uid in changes.added:
            edit, patch = changes.added[item.uid]
            box[[0, 1, 3, 4]] = _plan_of(edit)
        elif item.uid in changes.patches:
            patch = changes.patches[item.uid]
            box[[0, 1, 3, 4]] = np.array(scenario.root[item.uid].bounds)[[0, 1, 3, 4]]
    middle = [(box[0] + box[3]) / 2 + patch.dx_m, (box[1] + box[4]) / 2 + patch.dy_m, box[2]]
    return np.array(middle)


def _plan_of(edit: AddObject) -> Floats:
    points = np.array(edit.footprint[0]) if edit.footprint else np.array(edit.positions)[:, :2]
    return np.concatenate([points.min(axis=0), points.max(axis=0)])
