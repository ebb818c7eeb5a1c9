"""``twin query CITY CQL``: objects by a CQL2 text filter."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import scenes
from twin.commands.shared import common, print_table

if TYPE_CHECKING:
    import argparse

_SHOWN = ("layer", "kind", "name", "height_m", "ifc_class", "min_z", "max_z")


def add_parser(verbs: Any) -> None:
    """Add the verb to the command."""
    parser: argparse.ArgumentParser = verbs.add_parser("query", help="find objects by CQL2 text")
    parser.add_argument("city")
    parser.add_argument("cql", help="such as \"height_m > 100 AND kind = 'Building'\"")
    parser.add_argument("--limit", type=int, default=50, help="rows to print as text (default 50)")
    common(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the objects found; as JSON, all of them as a GeoJSON FeatureCollection in WGS 84."""
    frame = scenes.open(options.city).query(options.cql)
    if options.json:
        degrees = frame.to_crs("EPSG:4326")
        degrees["uid"] = degrees.index
        print(json.dumps(json.loads(degrees.to_json(drop_id=True)), ensure_ascii=False))
        return 0
    shown = [name for name in _SHOWN if name in frame.columns and frame[name].notna().any()]
    rows = [[uid, *(_text(row[name]) for name in shown)] for uid, row in frame.head(options.limit).iterrows()]
    print_table(["uid", *shown], rows)
    print(f"{len(frame)} objects")
    return 0


def _text(value: Any) -> str:
    """Return a cell of the table; what has no value is empty."""
    if value is None or value != value:  # noqa: PLR0124 - NaN is not itself
        return ""
    return f"{value:.1f}" if isinstance(value, float) else str(value)
