"""Builds every folder of real files and checks every file of the malformed ones; writes the tables of the docs.

    python benchmarks/survey_files.py DATA [--out docs/reference/real-files.md] [--keep survey.json]

DATA is the folder of real files (`TWIN_DATA`). Each folder that directly holds files is one build, as a user would
type it: ``twin build X.city FOLDER --json``, with ``--local`` where nothing in it says where it lies. Each build and
check is a process of its own whose exit status and peak memory are recorded. With ``--keep`` each result is kept in a
file as it comes, and a survey that was cut off goes on where it ended.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST_S = 900


@dataclass
class Run:
    """How one command ended."""

    status: int
    facts: dict[str, Any] = field(default_factory=dict)
    message: str = ""
    seconds: float = 0.0
    peak_mb: float = 0.0


def run(*words: str) -> Run:
    """Run ``twin`` with some words and read its JSON."""
    code = "import sys; from twin.commands import main; sys.exit(main(sys.argv[1:]))"
    began = time.monotonic()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        process = subprocess.Popen([sys.executable, "-c", code, *words], stdout=out, stderr=errors)
        _, status, usage = os.wait4(process.pid, 0)
        out.seek(0)
        errors.seek(0)
        text, said = out.read().decode(errors="replace"), errors.read().decode(errors="replace")
    try:
        facts = json.loads(text)
    except ValueError:
        facts = {}
    ended = os.waitstatus_to_exitcode(status)
    message = said.strip().splitlines()[-1] if said.strip() else ""
    return Run(ended, facts, message, time.monotonic() - began, usage.ru_maxrss / 1024)


def folders(data: Path) -> list[Path]:
    """Return the folders that are one build each: two levels down, or one where that holds files itself."""
    found = []
    for top in sorted(path for path in data.iterdir() if path.is_dir() and path.name != "malformed"):
        inner = sorted(path for path in top.iterdir() if path.is_dir())
        if any(path.is_file() for path in top.iterdir()) or not inner:
            found.append(top)
        else:
            found += inner
    return found


def built(data: Path, folder: Path, scratch: Path) -> list[str]:
    """Return the rows of one build: what loaded, what was left out and why."""
    words = ("build", str(scratch / "x.city"), str(folder), "--json", "--local")
    made = run(*words)
    name = folder.relative_to(data)
    sources = made.facts.get("sources", [])
    loaded = [each for each in sources if each["state"] != "left out"]
    layers = ", ".join(f"{layer['name']} {layer['objects']:,}" for layer in made.facts.get("layers", [])[:8])
    status = "built" if made.status == 0 else f"exit {made.status}"
    rows = [f"| {name} | {status} | {len(loaded)} of {len(sources)} | {made.facts.get('objects', 0):,} | {layers} |"]
    lost = [Path(each["source"]).name for each in sources if each.get("place") == "unknown"]
    if lost:
        rows.append(f"| | place unknown | {len(lost)} | | {_named(lost)}: stand beside the scene |")
    why: dict[str, list[str]] = {}
    for each in sources:
        if each["state"] == "left out":
            file = Path(each["source"]).name
            text = "; ".join(filter(None, (each["why"], each["advice"]))).replace(file, "FILE")
            why.setdefault(text, []).append(file)
    if not sources and made.message:
        why[made.message] = [""]
    for text, files in sorted(why.items(), key=lambda pair: -len(pair[1])):
        rows.append(f"| | left out | {len(files)} | | {_named(files)}: {_plain(text, data)} |")
    print(rows[0], f"{made.seconds:.0f} s, {made.peak_mb:.0f} MB", flush=True)
    return rows


def _named(files: list[str]) -> str:
    return ", ".join(files[:4]) + (" ..." if len(files) > 4 else "")


def _plain(text: str, data: Path) -> str:
    return " ".join(text.replace(f"{data}/", "").replace("|", "/").split())[:220]


def checked(data: Path, path: Path) -> tuple[str, str, int]:
    """Return the verdict of one file, the rules that it broke, and the exit status of the command."""
    made = run("check", str(path), "--json")
    verdicts = made.facts.get("sources", [])
    state = verdicts[0]["state"] if verdicts else "refused"
    found = [p for p in made.facts.get("problems", []) if p["severity"] != "info"]
    rules = ", ".join(f"{rule} {count}" for rule, count in Counter(p["rule"] for p in found).most_common(4))
    print(f"{path.relative_to(data)}: {state} {rules} {made.seconds:.1f} s {made.peak_mb:.0f} MB", flush=True)
    return state, rules or _plain(made.message, data), made.status


HEAD = """# Real files

Made by `benchmarks/survey_files.py` from a folder of real files that the project does not contain: what
`twin build FOLDER --json --local` loads, what it leaves out and why, and what `twin check` says of broken files.
"Place unknown" counts models that nobody places: they are built, beside the scene, and say so.

## Builds

| folder | ended | sources | objects | layers, or reason |
|---|---|---|---|---|"""
MIDDLE = """
## Broken files

How many were found bad (an error, a warning, or refused with a sentence) among those whose names say that they are:

| set | found bad | of |
|---|---|---|"""
CLAIMED: dict[str, tuple[str, Callable[[Path], bool]]] = {
    "buildingSMART's fail files": ("ifc_gherkin_fail", lambda path: path.name.startswith("fail-")),
    "val3dity's invalid files": (
        "citymodel_val3dity",
        lambda path: path.name.startswith(("invalid", "index", "302", "304")) or "_invalid" in path.name,
    ),
    "the invalid CityJSON corpus": (
        "cityjson_corpus_invalid",
        lambda path: path.name.startswith("invalid_"),
    ),
    "IFC with repeated ids or errors": ("ifc_bimserver", lambda path: path.suffix == ".ifc"),
}


def main() -> None:
    """Survey everything and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=Path("docs/reference/real-files.md"))
    parser.add_argument("--only", default="", help="only folders whose name contains this")
    parser.add_argument("--keep", type=Path, help="JSON file that keeps the results so far")
    arguments = parser.parse_args()
    data = arguments.data.resolve()
    kept = Kept(arguments.keep)
    rows: list[str] = []
    with tempfile.TemporaryDirectory() as scratch:
        for folder in folders(data):
            if arguments.only in str(folder):
                rows += kept.get(f"build {folder}", partial(built, data, folder, Path(scratch)))
    bad = [path for path in sorted((data / "malformed").rglob("*")) if path.is_file()]
    ends = {
        path: kept.get(f"check {path}", partial(checked, data, path)) for path in bad if arguments.only in str(path)
    }
    arguments.out.write_text(_page(data, rows, ends), encoding="utf-8")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(json.dumps({"benchmark": "survey", "builds": len(rows), "checked": len(ends), "peak_mb": round(peak)}))


@dataclass
class Kept:
    """Results that a survey has so far, in a file if one is named."""

    file: Path | None

    def get(self, name: str, work: Callable[[], Any]) -> Any:
        """Return the result of a name, working it out where it is not kept yet."""
        known: dict[str, Any] = {}
        if self.file is not None and self.file.exists():
            known = json.loads(self.file.read_text(encoding="utf-8"))
        if name not in known:
            known[name] = work()
            if self.file is not None:
                self.file.write_text(json.dumps(known), encoding="utf-8")
        return known[name]


def _page(data: Path, rows: list[str], ends: dict[Path, tuple[str, str, int]]) -> str:
    lines = [HEAD, *rows, MIDDLE]
    for title, (folder, claims) in CLAIMED.items():
        mine = {path: end for path, end in ends.items() if folder in path.parts and claims(path)}
        caught = sum(end[0] != "sound" for end in mine.values())
        lines.append(f"| {title} | {caught} | {len(mine)} |")
    died = [path.name for path, end in ends.items() if end[2] not in (0, 1)]
    lines += ["", f"{len(ends)} files were checked; {len(died)} commands ended otherwise than with exit 0 or 1.", ""]
    lines += ["| file | verdict | rules |", "|---|---|---|"]
    lines += [f"| {path.relative_to(data)} | {state} | {rules} |" for path, (state, rules, _) in ends.items()]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
