"""``twin info PATH``: what a city package or a source file holds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import scenes
from scenes import Problem, Problems
from scenes.assembly import assemble
from scenes.errors import MissingSourceError
from scenes.sources import Source
from scenes.store import is_address, manifest, mirrored
from twin.commands.shared import common, print_facts, scene_facts

if TYPE_CHECKING:
    import argparse


def add_parser(verbs: Any) -> None:
    """Add the verb to the command."""
    parser: argparse.ArgumentParser = verbs.add_parser("info", help="describe a city package or a source file")
    parser.add_argument("path", help="a .city folder or a file of any supported kind")
    parser.add_argument("--crs", default="", help="projected system to use for a file")
    common(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the facts."""
    path = mirrored(options.path) if is_address(options.path) else Path(options.path)
    if not path.exists():
        raise MissingSourceError(path, "there is no such file or package", "check the path")
    problems = Problems()
    if path.is_dir() and path.suffix == ".city":
        scene = scenes.open(path)
        stored = manifest(path).get("problems", [])
        problems.extend([Problem(**found) for found in stored])
    else:
        scene = assemble([Source(str(path))], crs=options.crs, name=path.name, problems=problems)
    print_facts(scene_facts(scene, problems), options)
    return 0
