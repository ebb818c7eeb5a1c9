"""The command ``twin``: one file a verb, each with `add_parser` and `run`.

``main`` turns every error of ours into one line on stderr and exit code 1; wrong usage gives 2.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from scenes.errors import CityTwinError

if TYPE_CHECKING:
    from collections.abc import Sequence

VERBS = (
    "demo",
    "build",
    "info",
    "check",
    "clash",
    "serve",
    "export",
    "query",
    "resolve",
    "render",
    "feed",
    "simulate",
    "scenario",
    "report",
)


class VerbParser(argparse.ArgumentParser):
    """Parser of a verb, whose options may stand between its arguments: ``feed CITY --datastreams FILE SOURCE``."""

    _passing = False

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[argparse.Namespace, list[str]]:  # type: ignore[override]
        """Take the options first and then what stands between them, which argparse alone would refuse."""
        if self._passing:
            return super().parse_known_args(args, namespace)
        self._passing = True
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self._passing = False


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command."""
    top = argparse.ArgumentParser(prog="twin", description="3D digital twins of cities.")
    top.add_argument("--version", action="version", version=_version())
    verbs = top.add_subparsers(dest="verb", metavar="VERB", required=True, parser_class=VerbParser)
    for verb in VERBS:
        module = import_module(f"twin.commands.{verb}")
        module.add_parser(verbs)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 1 a clear error, 2 wrong usage."""
    options = parser().parse_args(arguments)
    level = logging.WARNING - 10 * getattr(options, "verbose", 0) + 20 * getattr(options, "quiet", 0)
    logging.basicConfig(level=level, format="%(levelname)s %(name)s: %(message)s")
    try:
        return int(options.run(options))
    except CityTwinError as error:
        print(f"twin {options.verb}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _version() -> str:
    from importlib.metadata import version  # noqa: PLC0415 - costs time that most runs need not spend

    return f"twin {version('citytwin')}"
