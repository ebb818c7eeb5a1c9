"""Writes what the commands say of themselves into their page: ``python -m tests.twin.commands.page``."""

from __future__ import annotations

import argparse
import os
import re
from pathlib import Path

from twin.commands import parser

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "commands.md"


def verbs() -> dict[str, argparse.ArgumentParser]:
    """Return the parser of every verb, with those of verbs of verbs (``scenario new``)."""
    return _below(parser(), "")


def _below(top: argparse.ArgumentParser, name: str) -> dict[str, argparse.ArgumentParser]:
    found = {name: top} if name else {}
    for action in top._actions:
        if isinstance(action, argparse._SubParsersAction):
            for word, each in action.choices.items():
                found |= _below(each, f"{name} {word}".strip())
    return found


def options(one: argparse.ArgumentParser) -> set[str]:
    """Return the options of a verb, each by its long name."""
    return {text for action in one._actions for text in action.option_strings if text.startswith("--")}


def sections(page: str) -> dict[str, str]:
    """Return the text below each heading ``## twin VERB``."""
    parts = re.split(r"^## twin (.+)$", page, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def main() -> None:
    """Write the sections of all verbs anew, behind what stands before the first."""
    os.environ["COLUMNS"] = "100"
    head = PAGE.read_text("utf-8").partition("\n## twin ")[0]
    told = "".join(f"\n## twin {verb}\n\n```text\n{one.format_help().strip()}\n```\n" for verb, one in verbs().items())
    PAGE.write_text(head + told, "utf-8")


if __name__ == "__main__":
    main()
