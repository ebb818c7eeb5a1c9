"""What the viewer is told of a scene before the first tile: layers, overlays, origin, light."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.view.clouds import cloud_spec
from twin.view.labels import scene_labels
from twin.view.words import layer_titles

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scenes import Layer, Scene

UNDERGROUND_THEMES = frozenset({"pipes"})
NO_PLACE = (-500.0, -500.0, 0.0, 500.0, 500.0, 100.0)


def scene_manifest(  # noqa: PLR0913 - what a page may be told, by name
    scene: Scene,
    *,
    tiles_url: str = "tiles/",
    live_url: str | None = None,
    language: str = "zh",
    theme: str = "light",
    time: str = "",
    overlays: Sequence[Mapping[str, Any]] = (),
    simulations: Sequence[Mapping[str, Any]] = (),
    scenarios: Sequence[Mapping[str, str]] = (),
    attribution: Sequence[str] = (),
) -> dict[str, Any]:
    """Return the viewer's manifest of a scene (JSON, see ``web/src/engine/api.ts``).

    Parameters
    ----------
    scene
        The city. Its metadata may hold ``titles`` ({en, zh}), ``home`` ({position, target}), ``attribution``
        (list), ``utc_offset_h`` and ``layers`` ({name: {visible, opacity, underground}}).
    tiles_url, live_url
        Where the page finds tiles and live codes, relative to itself; None = nothing is live.
    language, theme
        What the page starts with.
    time
        ISO 8601 instant for the sun; empty = 10:30 of today's summer light in the city.
    overlays, simulations, scenarios
        What can be chosen on the page.
    attribution
        Who made the data; shown at the foot.
    """
    metadata = scene.metadata
    offset_h = utc_offset_h(scene)
    return {
        "name": scene.name,
        "titles": _titles(metadata.get("titles"), {"en": scene.name, "zh": scene.name}),
        "epoch": scene.epoch,
        "count": len(scene),
        "origin": _origin(scene),
        "bounds": list(scene.bounds() or NO_PLACE),
        "tiles_url": tiles_url,
        "live_url": live_url,
        "layers": [_layer(scene, layer) for layer in scene.layers.values() if layer.lods],
        "home": metadata.get("home"),
        "language": language,
        "theme": theme,
        "time": time or _bright_instant(offset_h),
        "utc_offset_h": offset_h,
        "overlays": [dict(overlay) for overlay in overlays],
        "simulations": [dict(simulation) for simulation in simulations],
        "scenarios": [dict(scenario) for scenario in scenarios],
        "attribution": list(attribution) or [str(line) for line in metadata.get("attribution", [])],
        "labels": scene_labels(scene),
    }


def utc_offset_h(scene: Scene) -> float:
    """Return how many hours the city's clocks are ahead of UTC.

    The scene's metadata decides; else 8 in China, whose clocks all agree, and the nautical zone elsewhere.
    """
    if "utc_offset_h" in scene.metadata:
        return float(scene.metadata["utc_offset_h"])
    longitude, latitude = (float(value) for value in scene.georeference.lonlat(0.0, 0.0))
    in_china = 73.0 <= longitude <= 135.5 and 18.0 <= latitude <= 53.6
    return 8.0 if in_china else float(round(longitude / 15.0))


def _bright_instant(offset_h: float) -> str:
    """Return 09:30 in the city on this year's 21 May: long soft shadows, whatever the season outside."""
    minutes = 9.5 * 60 - offset_h * 60
    start = datetime(datetime.now(UTC).year, 5, 21, tzinfo=UTC)
    return datetime.fromtimestamp(start.timestamp() + minutes * 60, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _origin(scene: Scene) -> dict[str, Any]:
    frame = scene.georeference
    longitude, latitude = (float(value) for value in frame.lonlat(0.0, 0.0))
    return {
        "longitude": longitude,
        "latitude": latitude,
        "crs": frame.crs,
        "easting": frame.easting_m,
        "northing": frame.northing_m,
        "height": frame.height_m,
        "convergence_deg": frame.convergence_deg(),
    }


def _layer(scene: Scene, layer: Layer) -> dict[str, Any]:
    style = dict(scene.metadata.get("layers", {}).get(layer.name, {}))
    bounds = layer.bounds()
    buried = layer.theme in UNDERGROUND_THEMES or (bounds is not None and bounds[5] < -0.5)
    return {
        "name": layer.name,
        "theme": layer.theme,
        "titles": _layer_titles(layer),
        "tileset": f"{layer.name}/tileset.json",
        "base": scene.bases[layer.name],
        "count": len(layer),
        "visible": bool(style.get("visible", not _hidden_at_first(layer))),
        "opacity": float(style.get("opacity", 1.0)),
        "underground": bool(style.get("underground", buried)),
        "bounds": None if bounds is None or not np.isfinite(bounds).all() else list(bounds),
        "source": layer.source,
        "cloud": cloud_spec(layer),
    }


def _hidden_at_first(layer: Layer) -> bool:
    """Say whether a layer would cover what people come to see: borders of districts, the air of rooms, openings."""
    return layer.theme == "districts" or layer.name.endswith(("-spaces", "-openings", "-ports"))


def _layer_titles(layer: Layer) -> dict[str, str]:
    """Return the layer's names: its own, unless they only repeat the plain name that has usual words."""
    usual = layer_titles(layer.name)
    if usual is not None and set(layer.titles.values()) <= {layer.name}:
        return usual
    return _titles(layer.titles, {"en": layer.name, "zh": layer.name})


def _titles(given: Mapping[str, str] | None, otherwise: Mapping[str, str]) -> dict[str, str]:
    given = given or {}
    english = given.get("en") or given.get("zh") or otherwise["en"]
    chinese = given.get("zh") or (given.get("en") or otherwise["zh"])
    return {"en": english, "zh": chinese}
