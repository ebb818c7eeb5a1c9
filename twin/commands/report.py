"""``twin report CITY OUT``: a comparison report; says plainly that it is not there yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scenes.errors import CityTwinError
from twin.commands.shared import common

if TYPE_CHECKING:
    import argparse


def add_parser(verbs: Any) -> None:
    """Add the verb to the command."""
    parser: argparse.ArgumentParser = verbs.add_parser("report", help="comparison report (not there yet)")
    parser.add_argument("city")
    parser.add_argument("out")
    parser.add_argument("--scenario", action="append", default=[], help="a branch to compare")
    common(parser, facts=False)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Say that reports are not there yet."""
    raise CityTwinError(options.out, "reports are not there yet", "use twin simulate --out for the numbers")
