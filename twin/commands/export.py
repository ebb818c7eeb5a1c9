"""``twin export CITY OUT``: the city, or a part of it, in a format that others open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import scenes
from scenes.export import export, formats
from twin.commands.shared import common

if TYPE_CHECKING:
    import argparse


def add_parser(verbs: Any) -> None:
    """Add the verb to the command."""
    parser: argparse.ArgumentParser = verbs.add_parser("export", help="write glb, CityJSON, GeoPackage, ...")
    parser.add_argument("city")
    parser.add_argument("out")
    parser.add_argument("--format", default="", help=f"one of {', '.join(formats())}; default by the name of OUT")
    parser.add_argument("--where", default="", metavar="CQL", help="only objects that match")
    parser.add_argument("--layer", action="append", default=[], help="only these layers")
    common(parser, facts=False)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Write the file."""
    scene = scenes.open(options.city)
    path = export(scene, options.out, format=options.format, where=options.where, layers=options.layer)
    print(path)
    return 0
