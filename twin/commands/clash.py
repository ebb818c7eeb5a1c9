"""``twin clash CITY A B``: where objects of two sets are in each other's way."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import scenes
from bim.bcf import Topic, Viewpoint, write_bcf
from scenes.clash import TOLERANCE_M, clashes, uids_where
from twin.commands.shared import common, print_table, progress_bar

if TYPE_CHECKING:
    import argparse

    from scenes import Scene
    from scenes.clash import Clash

_DISTANCE_M = 12.0


def add_parser(verbs: Any) -> None:
    """Add the verb to the command."""
    parser: argparse.ArgumentParser = verbs.add_parser("clash", help="find objects that are in each other's way")
    parser.add_argument("city")
    parser.add_argument("first", help="name of a layer, or CQL2 text")
    parser.add_argument("second", help="name of a layer, or CQL2 text")
    parser.add_argument("--tolerance", type=float, default=TOLERANCE_M, metavar="M", help="depth that only touches")
    parser.add_argument("--clearance", type=float, default=0.0, metavar="M", help="distance to be kept")
    parser.add_argument("--bcf", metavar="OUT.bcf", help="also write them as BCF 3.0 topics")
    parser.add_argument("--author", default="citytwin", help="who raises the topics, usually an e-mail address")
    common(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the clashes; 1 when there are any."""
    scene = scenes.open(options.city)
    found = clashes(
        scene,
        uids_where(scene, options.first),
        uids_where(scene, options.second),
        tolerance_m=options.tolerance,
        clearance_m=options.clearance,
        progress=progress_bar(options),
    )
    if options.bcf:
        write_bcf([_topic(scene, clash, options.author) for clash in found], options.bcf, scene.name)
    if options.json:
        print(json.dumps({"clashes": [asdict(clash) for clash in found]}, ensure_ascii=False, indent=2))
    else:
        rows = [[clash.kind, _named(scene, clash.first), _named(scene, clash.second), _at(clash)] for clash in found]
        print_table(["kind", "first", "second", "place (local m)"], rows)
        print(f"{len(found)} clashes")
    return int(bool(found))


def _named(scene: Scene, uid: str) -> str:
    thing = scene[uid]
    return f"{thing.name or uid} ({thing.kind})"


def _at(clash: Clash) -> str:
    x, y, z = clash.place_m
    near = f", {clash.distance_m:.3f} m apart" if clash.kind == "near" else ""
    return f"{x:.2f}, {y:.2f}, {z:.2f}{near}"


def _topic(scene: Scene, clash: Clash, author: str) -> Topic:
    """Return a topic that looks at the clash from the south-west, with both elements selected."""
    place = [float(value) for value in scene.georeference.origin_m + clash.place_m]
    position = (place[0] - _DISTANCE_M, place[1] - _DISTANCE_M, place[2] + _DISTANCE_M)
    third = 3**-0.5
    names = " / ".join(_named(scene, uid) for uid in (clash.first, clash.second))
    guids = tuple(guid for uid in (clash.first, clash.second) if (guid := scene[uid].aliases.get("ifc")))
    view = Viewpoint(position, (third, third, -third), (third / 2**0.5, third / 2**0.5, (2 / 3) ** 0.5), selected=guids)
    return Topic(
        f"{clash.kind}: {names}"[:200], author, f"At {_at(clash)}", "Clash", labels=("clash",), viewpoints=(view,)
    )
