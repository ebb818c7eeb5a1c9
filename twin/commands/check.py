"""``twin check SOURCE...``: reads every source for itself and lists what is wrong with it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from scenes import Problems
from scenes.assembly import assemble, choose_georeference
from scenes.errors import CityTwinError
from twin.commands.shared import common, print_problems, source_options, sources_of

if TYPE_CHECKING:
    import argparse


def add_parser(verbs: Any) -> None:
    """Add the verb to the command."""
    parser: argparse.ArgumentParser = verbs.add_parser("check", help="verify source files")
    source_options(parser)
    parser.add_argument("--ids", metavar="FILE", help="audit against an IDS file (not there yet)")
    common(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the findings; 1 when any of them is an error."""
    if options.ids:
        raise CityTwinError(options.ids, "the audit against IDS is not there yet", "leave --ids out")
    problems = Problems(limit=200)
    for source in sources_of(options):
        try:
            assemble([source], georeference=choose_georeference([source], options.crs), problems=problems)
        except CityTwinError as error:
            problems.add("error", error.where, type(error).__name__, error.what, error.advice)
    found = [problem.as_dict() for problem in problems.listed()]
    if options.json:
        print(json.dumps({"problems": found}, ensure_ascii=False, indent=2))
    else:
        print_problems(found, 20)
        print(f"{len(found)} findings")
    return int(any(problem["severity"] == "error" for problem in found))
