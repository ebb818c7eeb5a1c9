"""``twin resolve CITY ID``: any id or alias to its object."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import scenes
from twin.commands.shared import common

if TYPE_CHECKING:
    import argparse

    from scenes.relations import RelationGroup


def add_parser(verbs: Any) -> None:
    """Add the verb to the command."""
    parser: argparse.ArgumentParser = verbs.add_parser("resolve", help="find the object that an id or alias names")
    parser.add_argument("city")
    parser.add_argument("id", help="a uid, scheme:value, a 21-digit code, or an id of the source")
    common(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the object."""
    scene = scenes.open(options.city)
    found = scene.resolve(options.id)
    facts: dict[str, Any] = {
        "uid": found.uid,
        "handle": found.handle,
        "layer": found.layer,
        "kind": found.kind,
        "name": found.name,
        "parent": found.parent,
        "bounds": found.bounds,
        "aliases": found.aliases,
        "relations": [_relation(scene, group) for group in scene.relation_groups(found.uid)],
        "attributes": dict(found.attributes),
        "properties": {group: dict(values) for group, values in found.properties.items()},
    }
    if options.json:
        print(json.dumps(facts, ensure_ascii=False, indent=2, default=str))
        return 0
    for name, text in (rows := _rows(found, facts)):
        print(f"{name:{max(len(each) for each, _ in rows) + 2}}{text}".rstrip())
    for group, values in found.properties.items():
        print(f"[{group}]")
        for name, value in values.items():
            print(f"  {name}: {value}")
    return 0


def _rows(found: scenes.CityObject, facts: dict[str, Any]) -> list[tuple[str, str]]:
    """Return what is told of the object itself, by name."""
    rows = [(name, str(facts[name] or "")) for name in ("uid", "layer", "kind", "name", "parent")]
    rows.append(("bounds", "" if found.bounds is None else " ".join(f"{each:.2f}" for each in found.bounds)))
    rows += [(scheme, value) for scheme, value in found.aliases.items()]
    rows += [(name, f"{value} {found.units.get(name, '')}") for name, value in found.attributes.items()]
    for tie in facts["relations"]:
        others = ", ".join(other["name"] or other["uid"] for other in tie["others"])
        more = f" and {tie['count'] - len(tie['others'])} more" if tie["count"] > len(tie["others"]) else ""
        rows.append((tie["kind"], f"{'to' if tie['outgoing'] else 'from'} {others}{more}"))
    return rows


def _relation(scene: scenes.Scene, group: RelationGroup) -> dict[str, Any]:
    """Return the relations of one kind: how many, and the first few with the object at their end."""
    others = [
        {"uid": each.other, "kind": scene[each.other].kind, "name": scene[each.other].name, "role": each.role}
        for each in group.first
    ]
    return {"kind": group.kind, "outgoing": group.outgoing, "count": group.total, "others": others}
