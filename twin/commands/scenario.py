"""``twin scenario CITY new|edit|diff|list|merge|remove``: branches of a city."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import scenes
from scenes.errors import CityTwinError
from twin.commands.shared import common, print_table, progress_bar

if TYPE_CHECKING:
    import argparse

    from scenes import Scene
    from twin.whatif import Scenario

_ACTIONS = ("new", "edit", "diff", "list", "merge", "remove")


def add_parser(verbs: Any) -> None:
    """Add the verb to the command."""
    parser: argparse.ArgumentParser = verbs.add_parser("scenario", help="make, edit, compare and merge scenarios")
    parser.add_argument("city")
    parser.add_argument("action", choices=_ACTIONS)
    parser.add_argument(
        "names",
        nargs="*",
        help="new NAME [PARENT]; edit NAME; diff A [B]; merge NEW OURS THEIRS, or NAME into the city; remove NAME",
    )
    parser.add_argument("--edits", metavar="FILE", help="JSON list of edits for `edit`; - reads standard input")
    parser.add_argument("--author", default="", help="who makes it")
    parser.add_argument("--title", default="", help="what people call it")
    common(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Do one thing with the branches of a city."""
    scene = scenes.open(options.city)
    handler = {"new": _new, "edit": _edit, "diff": _diff, "list": _list, "merge": _merge, "remove": _remove}[
        options.action
    ]
    handler(options, scene)
    return 0


def _names(options: argparse.Namespace, least: int, most: int, form: str) -> list[str]:
    if not least <= len(options.names) <= most:
        raise CityTwinError(
            f"twin scenario {options.action}", "the names do not fit", f"write twin scenario CITY {form}"
        )
    return [*options.names, *[""] * (most - len(options.names))]


def _load(options: argparse.Namespace, name: str, scene: Scene) -> Scenario:
    from twin.whatif import load_scenario  # noqa: PLC0415 - the engines come with it

    return load_scenario(options.city, name, scene)


def _new(options: argparse.Namespace, scene: Scene) -> None:
    from twin.whatif import Scenario, list_scenarios, save_scenario  # noqa: PLC0415

    name, parent = _names(options, 1, 2, "new NAME [PARENT]")
    if any(each["name"] == name for each in list_scenarios(options.city)):
        raise CityTwinError(name, "there is a scenario of this name", "choose another, or remove it first")
    base = _load(options, parent, scene) if parent else scene
    print(save_scenario(options.city, Scenario(name, base, options.author, options.title)))


def _edit(options: argparse.Namespace, scene: Scene) -> None:
    from twin.whatif import edit_from_dict, save_scenario  # noqa: PLC0415

    (name,) = _names(options, 1, 1, "edit NAME --edits FILE")
    if not options.edits:
        raise CityTwinError(name, "no edits are given", "name a JSON file with --edits, or - for standard input")
    if options.edits != "-" and not Path(options.edits).is_file():
        raise CityTwinError(options.edits, "there is no such file", "check the path")
    text = sys.stdin.read() if options.edits == "-" else Path(options.edits).read_text(encoding="utf-8")
    try:
        told = json.loads(text)
    except json.JSONDecodeError as error:
        raise CityTwinError(options.edits, f"is not JSON ({error})", "write a list of edits") from error
    if not isinstance(told, list):
        raise CityTwinError(options.edits, "is not a list of edits", 'write [{"type": "...", "uid": "..."}]')
    edits = [edit_from_dict(_by_uid(each, scene)) for each in told]
    scenario = _load(options, name, scene).edit(*edits)
    print(save_scenario(options.city, scenario))


def _by_uid(told: Any, scene: Scene) -> Any:
    """Return an edit as JSON with the uid in place of another name that the city knows its object by."""
    name = told.get("uid") if isinstance(told, dict) and told.get("type") != "add_object" else None
    if not isinstance(name, str) or name.startswith("urn:"):
        return told
    return {**told, "uid": scene.resolve(name).uid}


def _diff(options: argparse.Namespace, scene: Scene) -> None:
    from twin.whatif import diff  # noqa: PLC0415

    first, second = _names(options, 1, 2, "diff A [B]")
    before, after = (
        (_load(options, first, scene), _load(options, second, scene))
        if second
        else (scene, _load(options, first, scene))
    )
    found = diff(before, after)
    if options.json:
        print(json.dumps(found.as_dict(), ensure_ascii=False, indent=2, default=str))
        return
    for sign, uids in (("+", found.added), ("-", found.removed)):
        for uid in uids:
            print(f"{sign} {uid}")
    for uid, changes in found.changed.items():
        print(f"~ {uid} " + ", ".join(f"{name}: {old} -> {new}" for name, (old, new) in changes.items()))


def _list(options: argparse.Namespace, _scene: Scene) -> None:
    from twin.whatif import list_scenarios  # noqa: PLC0415

    found = list_scenarios(options.city)
    if options.json:
        print(json.dumps(found, ensure_ascii=False, indent=2))
    else:
        columns = ("name", "title", "author", "parent", "edits")
        print_table(columns, [[str(each[column]) for column in columns] for each in found])


def _merge(options: argparse.Namespace, scene: Scene) -> None:
    from twin.whatif import merge, save_scenario  # noqa: PLC0415

    if len(options.names) == 1:
        _adopt(options)
        return
    name, ours, theirs = _names(options, 3, 3, "merge NEW OURS THEIRS, or merge NAME to change the city itself")
    merged = merge(name, _load(options, ours, scene), _load(options, theirs, scene), options.author)
    print(save_scenario(options.city, merged.scenario))
    for conflict in merged.conflicts:
        print(f"conflict: {conflict}", file=sys.stderr)


def _adopt(options: argparse.Namespace) -> None:
    """Make a scenario the city."""
    from scenes.saving import tile_counts  # noqa: PLC0415
    from twin.whatif import adopt  # noqa: PLC0415

    bar = progress_bar(options)
    adopted = adopt(options.city, options.names[0], progress=bar)
    bar(f"{options.city} is changed", 1.0)
    counts = tile_counts(Path(options.city))
    if options.json:
        facts = {"merged": adopted.name, "edits": len(adopted.all_edits), "tiles": counts}
        print(json.dumps(facts, ensure_ascii=False, indent=2))
    else:
        told = f"{counts['written']} tiles written, {counts['kept']} kept"
        print(f"{options.city}: {adopted.name} merged, {len(adopted.all_edits)} edits; {told}")


def _remove(options: argparse.Namespace, _scene: Scene) -> None:
    from twin.whatif import remove_scenario  # noqa: PLC0415

    (name,) = _names(options, 1, 1, "remove NAME")
    remove_scenario(options.city, name)
