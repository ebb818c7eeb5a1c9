"""Does in the present folder what a page says, block by block: ``python -m tests.docs.walk PAGE``.

A process of its own for each page, as a reader has one. Commands run that end by themselves and ask nobody else;
a block of Python whose first line is a path in quotes is a file of that name.
"""

from __future__ import annotations

import ast
import contextlib
import io
import re
import sys
from pathlib import Path
from typing import Any

from tests.docs.pages import Block, blocks, commands
from twin.commands import main

SHELL = ("bash", "sh")
OFFLINE = {"build", "check", "clash", "export", "feed", "info", "query", "render", "resolve", "scenario", "simulate"}
ELSEWHERE = re.compile(r"\b(s3|https?|tcp)://")


def is_offline(words: list[str]) -> bool:
    """Say whether a command ends by itself and needs no other machine."""
    return words[0] in OFFLINE and not any(ELSEWHERE.search(word) for word in words)


def walk(page: Path) -> None:
    """Follow a page.

    Raises
    ------
    SystemExit
        When a command fails. What Python raises is not caught.
    """
    names: dict[str, Any] = {"__name__": "__main__"}
    found = blocks(page)
    for block in found:
        if block.language == "toml":
            Path("grids.toml" if "[grid." in block.text else "twin.toml").write_text(block.text, "utf-8")
        elif block.language == "json" and block.file:
            Path(block.file).write_text(block.text, "utf-8")
    for block in found:
        if block.language == "python":
            _python(block, names)
        elif block.language in SHELL:
            for words in filter(is_offline, commands(block)):
                print(f"{block}: twin {' '.join(words)}", flush=True)
                if not _done(words):
                    raise SystemExit(f"{block}: twin {' '.join(words)}")


def _done(words: list[str]) -> bool:
    """Run a command and say whether it did what it should; clashes that are found are an end with 1."""
    with contextlib.redirect_stderr(io.StringIO()) as told:
        code = main(words)
    sys.stderr.write(told.getvalue())
    return code == 0 or (words[0] == "clash" and f"twin {words[0]}: " not in told.getvalue())


def _python(block: Block, names: dict[str, Any]) -> None:
    print(f"{block}: Python", flush=True)
    written = ast.get_docstring(ast.parse(block.text)) or ""
    if re.fullmatch(r"[\w/]+\.py", written):
        file = Path(written)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(block.text, "utf-8")
    else:
        exec(compile(block.text, str(block), "exec"), names)


if __name__ == "__main__":
    walk(Path(sys.argv[1]).resolve())
