"""``twin resolve CITY ID``: any id or alias to its object."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import scenes
from twin.commands.shared import common

if TYPE_CHECKING:
    import argparse


def add_parser(verbs: Any) -> None:
    """Add the verb to the command."""
    parser: argparse.ArgumentParser = verbs.add_parser("resolve", help="find the object that an id or alias names")
    parser.add_argument("city")
    parser.add_argument("id", help="a uid, scheme:value, a 21-digit code, or an id of the source")
    common(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the object."""
    found = scenes.open(options.city).resolve(options.id)
    facts = {
        "uid": found.uid,
        "handle": found.handle,
        "layer": found.layer,
        "kind": found.kind,
        "name": found.name,
        "parent": found.parent,
        "bounds": found.bounds,
        "aliases": found.aliases,
        "attributes": dict(found.attributes),
        "properties": {group: dict(values) for group, values in found.properties.items()},
    }
    if options.json:
        print(json.dumps(facts, ensure_ascii=False, indent=2, default=str))
        return 0
    for name in ("uid", "layer", "kind", "name", "parent", "bounds"):
        print(f"{name:12}{facts[name]}")
    for name, value in {**found.aliases, **found.attributes}.items():
        unit = found.units.get(name, "")
        print(f"{name:12}{value} {unit}".rstrip())
    for group, values in found.properties.items():
        print(f"[{group}]")
        for name, value in values.items():
            print(f"  {name}: {value}")
    return 0
