"""``twin check SOURCE...``: reads every source for itself and lists what is wrong with it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bim.bcf import topics_of, write_bcf
from bim.ids import IdsChecker
from scenes import Problems
from scenes.checking import Report, check
from scenes.comparing import compare
from scenes.errors import CityTwinError
from twin.commands.shared import common, print_problems, progress_bar, source_options, sources_of
from twin.view.check_page import write_check_page

if TYPE_CHECKING:
    import argparse

_MARKS = {"sound": "sound", "warnings": "warnings", "errors": "ERRORS", "unreadable": "UNREADABLE"}


def add_parser(verbs: Any) -> None:
    """Add the verb to the command."""
    parser: argparse.ArgumentParser = verbs.add_parser("check", help="verify source files")
    source_options(parser)
    parser.add_argument("--ids", metavar="FILE", help="audit IFC models against an IDS file")
    parser.add_argument("--bcf", metavar="OUT.bcf", help="also write the findings about BIM elements as BCF 3.0 topics")
    parser.add_argument("--author", default="citytwin", help="who raises the topics, usually an e-mail address")
    parser.add_argument("--html", metavar="OUT.html", help="also write the report as a page")
    parser.add_argument("--language", choices=("en", "zh"), default="en", help="language of the page")
    common(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the findings; 1 when any of them is an error."""
    audits = [IdsChecker(options.ids)] if options.ids else []
    for audit in audits:
        audit.read()  # a broken IDS is said at once, not for every model
    passed_over = Problems(limit=200)
    sources = sources_of(options, passed_over)
    if not sources:
        raise CityTwinError("no source", "there is nothing to check", "name at least one file")
    report = check(
        sources, crs=options.crs, geoid=options.geoid, compare=compare, also=audits, progress=progress_bar(options)
    )
    report.between.extend(passed_over.listed())
    if options.bcf:
        topics = [topic for topic in topics_of(report.problems, options.author) if topic.viewpoints]
        write_bcf(topics, options.bcf)
    if options.html:
        write_check_page(report, Path(options.html), options.language)
    if options.json:
        print(json.dumps(report.as_dict(), ensure_ascii=False, indent=2))
    else:
        _print(report)
    return int(report.failed)


def _print(report: Report) -> None:
    for verdict in report.verdicts:
        loaded = f"{verdict.objects:,} objects" if verdict.objects else "nothing loaded"
        print(f"{_MARKS[verdict.state]:12}{verdict.source} ({loaded})")
        print_problems([problem.as_dict() for problem in verdict.problems], 5, indent="  ")
    print_problems([problem.as_dict() for problem in report.between], 20)
    counts = report.as_dict()["summary"]
    print(", ".join(f"{count} {state}" for state, count in counts.items() if count))
