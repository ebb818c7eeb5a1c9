"""What the viewer is told of a point cloud: what its points can be coloured by, its classes, how dense it is."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from scenes.cloudfacts import CLASS_COLOURS, HEIGHT_STOPS, cloud_facts
from scenes.points import THEME

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scenes import Layer
    from scenes.cloudfacts import CloudFacts

CLASSES: Mapping[int, tuple[str, str]] = MappingProxyType(
    {
        0: ("Never classified", "从未分类"), 1: ("Unclassified", "未分类"), 2: ("Ground", "地面"),
        3: ("Low vegetation", "低矮植被"), 4: ("Medium vegetation", "中等植被"), 5: ("High vegetation", "高大植被"),
        6: ("Building", "建筑"), 7: ("Low noise", "低位噪点"), 8: ("Key point", "模型关键点"), 9: ("Water", "水体"),
        10: ("Rail", "铁路"), 11: ("Road", "道路"), 12: ("Overlap", "航带重叠"), 13: ("Wire guard", "架空地线"),
        14: ("Wire", "导线"), 15: ("Transmission tower", "输电杆塔"), 16: ("Wire connector", "绝缘子"),
        17: ("Bridge deck", "桥面"), 18: ("High noise", "高位噪点"), 19: ("Overhead structure", "架空构筑物"),
        20: ("Ignored ground", "忽略的地面"), 21: ("Snow", "积雪"), 22: ("Temporal exclusion", "时相剔除"),
    }
)  # fmt: skip
"""Names of the classes by ASPRS LAS 1.4, in English and Chinese."""

_NOISE = frozenset({7, 18})
_LEAST_SPACING_M, _MOST_SPACING_M = 0.01, 50.0


def class_titles(code: int) -> dict[str, str]:
    """Return the names of a class of points.

    Examples
    --------
    >>> class_titles(6), class_titles(70)["en"]
    ({'en': 'Building', 'zh': '建筑'}, 'Class 70')
    """
    english, chinese = CLASSES.get(code, (f"Class {code}", f"类别 {code}"))
    return {"en": english, "zh": chinese}


def cloud_spec(layer: Layer) -> dict[str, Any] | None:
    """Return what the page is told of a point cloud (``CloudSpec`` in ``api.ts``), None for any other layer.

    Noise is hidden at first. A cloud with colours starts in them, else by class, else by height.
    """
    if layer.theme != THEME or not len(layer):
        return None
    facts = cloud_facts(layer)
    modes = _modes(facts)
    return {
        "points": facts.count,
        "spacing_m": _spacing_m(layer),
        "modes": modes,
        "mode": modes[0],
        "classes": [_class(code, count) for code, count in facts.classes.items()],
        "height": [facts.low_m, facts.high_m],
        "intensity": None if facts.intensity is None else list(facts.intensity),
        "stops": [list(stop) for stop in HEIGHT_STOPS],
    }


def _modes(facts: CloudFacts) -> list[str]:
    """Return the ways to colour the points, the best first."""
    modes = ["rgb"] if facts.coloured else []
    named = ["classes"] if len(facts.classes) > 1 or facts.classified else []
    modes += [*named, "height"] if facts.classified else ["height", *named]
    has_intensity = facts.intensity is not None and facts.intensity[1] > facts.intensity[0]
    return [*modes, "intensity"] if has_intensity else modes


def _class(code: int, count: int) -> dict[str, Any]:
    red, green, blue = CLASS_COLOURS[code].tolist()
    colour = f"#{red:02x}{green:02x}{blue:02x}"
    return {"code": code, "colour": colour, "titles": class_titles(code), "points": count, "hidden": code in _NOISE}


def _spacing_m(layer: Layer) -> float:
    """Return the usual distance of neighbours: that of the block in which the middle point lies."""
    table = layer.table
    if "density_per_m2" not in table.column_names:
        return 1.0
    density, counts = (table[name].to_numpy().astype(np.float64) for name in ("density_per_m2", "point_count"))
    known = np.isfinite(density) & (density > 0)
    if not known.any():
        return 1.0
    order = np.argsort(density[known])
    total = np.cumsum(counts[known][order])
    middle = density[known][order][np.searchsorted(total, total[-1] / 2)]
    return float(np.clip(1 / np.sqrt(middle), _LEAST_SPACING_M, _MOST_SPACING_M))
