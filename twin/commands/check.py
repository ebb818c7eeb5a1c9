"""``twin check SOURCE...``: reads every source for itself and lists what is wrong with it."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unicodedata import east_asian_width

from bim.bcf import topics_of, write_bcf
from bim.ids import IdsChecker
from scenes import Problems
from scenes.checking import Report, check
from scenes.comparing import compare
from scenes.errors import CityTwinError
from scenes.problems import worst_first
from twin.commands.shared import common, progress_bar, source_options, sources_of
from twin.view.check_page import write_check_page
from twin.view.sentences import language_of, tell
from twin.view.words_check import WORDS

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from scenes import Problem


def add_parser(verbs: Any) -> None:
    """Add the verb to the command."""
    parser: argparse.ArgumentParser = verbs.add_parser("check", help="verify source files")
    source_options(parser)
    parser.add_argument("--ids", metavar="FILE", help="audit IFC models against an IDS file")
    parser.add_argument("--bcf", metavar="OUT.bcf", help="also write the findings about BIM elements as BCF 3.0 topics")
    parser.add_argument("--author", default="citytwin", help="who raises the topics, usually an e-mail address")
    parser.add_argument("--html", metavar="OUT.html", help="also write the report as a page")
    parser.add_argument(
        "--lang",
        "--language",
        choices=("en", "zh"),
        help="language of the text and of the page (default: that of the locale)",
    )
    common(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the findings; 1 when any of them is an error."""
    language = options.lang or language_of(os.environ)
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
        write_check_page(report, Path(options.html), language)
    if options.json:
        print(json.dumps(report.as_dict(), ensure_ascii=False, indent=2))
    else:
        _print(report, language)
    return int(report.failed)


def _print(report: Report, language: str) -> None:
    words = WORDS[language]
    for verdict in report.verdicts:
        state = words[verdict.state]
        shown = state.upper() if verdict.state in ("errors", "unreadable") else state
        loaded = f"{verdict.objects:,} {words['objects']}" if verdict.objects else words["nothing"]
        print(f"{_padded(shown, 12)}{verdict.source} ({loaded})")
        _print_findings(verdict.problems, 5, language, "  ")
    _print_findings(report.between, 20, language, "")
    counts = report.as_dict()["summary"]
    told = (words["state"].format(count=count, state=words[state]) for state, count in counts.items() if count)
    print(words["joint"].join(told))


def _print_findings(problems: Sequence[Problem], most: int, language: str, indent: str) -> None:
    """Print findings, one a line, at most `most` of each rule."""
    words, counts = WORDS[language], Counter[str]()
    for problem in worst_first(problems):
        counts[problem.rule] += 1
        if counts[problem.rule] <= most:
            told = tell(problem, language)
            severity = words[problem.severity].lower()
            place = f" ({told.place})" if told.place else ""
            advice = f"{words['break']}{told.advice}" if told.advice else ""
            shown = f"{problem.object}{place}: {told.message}{advice} [{problem.rule}]"
            print(f"{indent}{_padded(severity, 8)}{shown}")
    for rule, count in counts.items():
        if count > most:
            print(f"{indent}{'':8}{words['more'].format(count=count - most, rule=rule)}")


def _padded(text: str, width: int) -> str:
    """Return a text that fills columns of a terminal, where a Chinese character takes two."""
    return text + " " * (width - sum(2 if east_asian_width(character) in "WF" else 1 for character in text))
