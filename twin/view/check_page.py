"""The report of `twin check` as one page that needs no server: summary, rules, and every finding by source."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from scenes.errors import PackageError
from scenes.problems import worst_first
from twin.view.sentences import meaning, tell
from twin.view.words_check import WORDS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from scenes.checking import Report, Verdict
    from scenes.problems import Problem

_STYLE = """
:root { color-scheme: light dark; --line: #8883; --soft: #8881; }
body { font: 15px/1.5 system-ui, "Noto Sans CJK SC", sans-serif; margin: 2rem auto; max-width: 88rem; padding: 0 1rem; }
h1 { font-size: 1.6rem; margin: 0 0 1rem; } h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 1rem; }
th, td { text-align: start; padding: .35rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top; }
td { overflow-wrap: anywhere; } td:nth-child(3) { min-width: 6.5rem; } td:last-child code { overflow-wrap: normal; }
th { font-weight: 600; background: var(--soft); }
.tiles { display: flex; gap: .8rem; flex-wrap: wrap; }
.tile { padding: .7rem 1.1rem; border-radius: .6rem; background: var(--soft); min-width: 7rem; }
.tile b { display: block; font-size: 1.7rem; line-height: 1.1; }
.mark { display: inline-block; padding: .05rem .5rem; border-radius: .6rem; font-size: .85em; }
.mark { color: #fff; white-space: nowrap; }
.sound { background: #2f7d4f; } .warnings, .warning { background: #a86a00; }
.errors, .error, .unreadable { background: #b3261e; } .info { background: #54697d; }
details { border: 1px solid var(--line); border-radius: .6rem; padding: .5rem .9rem; margin: .5rem 0; }
summary { cursor: pointer; } summary code { font-size: .95em; }
"""


def write_check_page(report: Report, path: Path, language: str = "en") -> Path:
    """Write the report as a page in English (``en``) or Chinese (``zh``) and return its path.

    Everything that comes from a file is escaped, and the page allows no script at all.

    Raises
    ------
    PackageError
        When the file cannot be written.
    """
    text = _page(report, language)
    fresh = path.with_name(f".{path.name}.part")
    try:
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(path)
    except OSError as error:
        raise PackageError(path, f"cannot be written ({error.strerror})", "check the folder") from error
    return path


def _page(report: Report, language: str) -> str:
    words = WORDS[language]
    counts = report.as_dict()["summary"]
    tiles = "".join(
        f'<div class="tile"><b>{count}</b><span class="mark {state}">{words[state]}</span></div>'
        for state, count in counts.items()
    )
    sources = "".join(_verdict(verdict, language) for verdict in report.verdicts)
    between = f"<h2>{words['between']}</h2>{_findings(report.between, language)}" if report.between else ""
    return (
        f'<!DOCTYPE html><html lang="{words["tag"]}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{words['title']}</title><style>{_STYLE}</style></head><body><h1>{words['title']}</h1>"
        f'<div class="tiles">{tiles}</div><h2>{words["rules"]}</h2>{_rules(report.rules(), language)}'
        f"<h2>{words['sources']}</h2>{sources}{between}</body></html>"
    )


def _rules(rules: dict[str, dict[str, int]], language: str) -> str:
    words = WORDS[language]
    if not rules:
        return f"<p>{words['none']}</p>"
    severities = ("error", "warning", "info")
    head = "".join(f"<th>{words[name]}</th>" for name in ("rule", "meaning", *severities))
    rows = "".join(
        f"<tr><td><code>{html.escape(rule)}</code></td><td>{html.escape(meaning(rule, language).message)}</td>"
        + "".join(f"<td>{counts.get(severity, '')}</td>" for severity in severities)
        + "</tr>"
        for rule, counts in rules.items()
    )
    return f"<table><tr>{head}</tr>{rows}</table>"


def _verdict(verdict: Verdict, language: str) -> str:
    words = WORDS[language]
    loaded = f"{verdict.objects:,} {words['objects']}" if verdict.objects else words["nothing"]
    findings = _findings(verdict.problems, language)
    opened = " open" if verdict.state in ("errors", "unreadable") else ""
    return (
        f'<details{opened}><summary><span class="mark {verdict.state}">{words[verdict.state]}</span> '
        f"<code>{html.escape(verdict.source)}</code> · {loaded}</summary>{findings}</details>"
    )


def _findings(problems: Iterable[Problem], language: str) -> str:
    words = WORDS[language]
    rows = "".join(_finding(problem, language) for problem in worst_first(problems))
    if not rows:
        return f"<p>{words['none']}</p>"
    head = "".join(f"<th>{words[name]}</th>" for name in ("severity", "object", "place", "message", "advice", "rule"))
    return f"<table><tr>{head}</tr>{rows}</table>"


def _finding(problem: Problem, language: str) -> str:
    told = tell(problem, language)
    mark = f'<span class="mark {problem.severity}">{WORDS[language][problem.severity]}</span>'
    texts = [html.escape(text) for text in (problem.object, told.place, told.message, told.advice)]
    return (
        f"<tr><td>{mark}</td>"
        + "".join(f"<td>{text}</td>" for text in texts)
        + f"<td><code>{html.escape(problem.rule)}</code></td></tr>"
    )
