"""The pages of the project as text: where they are, their headings, links, pictures and blocks of code."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
_FENCE = re.compile(r"^( *)```(\w*)[^\n]*\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"`([\w.]+\.json)`:\s*$")
_LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^()\s]+(?:\([^()]*\)[^()\s]*)?)\)")
_HEADING = re.compile(r"^#{1,6} +(.+?) *$", re.MULTILINE)
_NOT_IN_ANCHORS = re.compile(r"[^\w\- ]")


@dataclass(frozen=True)
class Block:
    """A fenced block of code: the page that holds it, its line there, its language, its text, and the file it is.

    A block is a file when the sentence before it ends with the name of one, such as ```edits.json`:``.
    """

    page: Path
    line: int
    language: str
    text: str
    file: str = ""

    def __str__(self) -> str:
        """Say where the block stands, for the names of tests."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def all_pages() -> list[Path]:
    """Return every page that a reader of the project may open."""
    return sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])


def blocks(page: Path) -> list[Block]:
    """Return the blocks of code of a page, in their order."""
    text = page.read_text("utf-8")
    return [
        Block(
            page,
            text.count("\n", 0, match.start()) + 1,
            match[2],
            _undented(match[3], len(match[1])),
            file=(named[1] if (named := _FILE.search(text[: match.start()])) else ""),
        )
        for match in _FENCE.finditer(text)
    ]


def blocks_of(*languages: str) -> list[Block]:
    """Return the blocks of all pages in some languages."""
    return [block for page in all_pages() for block in blocks(page) if block.language in languages]


def links(page: Path) -> list[str]:
    """Return the targets of links and pictures of a page that are no addresses of the web."""
    prose = re.sub(r"`[^`\n]*`", "", _FENCE.sub("", page.read_text("utf-8")))
    return [target for target in _LINK.findall(prose) if not re.match(r"[a-z]+:", target)]


def anchors(page: Path) -> set[str]:
    """Return the anchors of the headings of a page, by the rule of GitHub."""
    found: dict[str, int] = {}
    made = set()
    for heading in _HEADING.findall(_FENCE.sub("", page.read_text("utf-8"))):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").lower()
        anchor = _NOT_IN_ANCHORS.sub("", words).replace(" ", "-")
        count = found.get(anchor, 0)
        found[anchor] = count + 1
        made.add(f"{anchor}-{count}" if count else anchor)
    return made


def commands(block: Block) -> list[list[str]]:
    """Return the lines of a shell block that call ``twin``, each as its words behind that name."""
    found = []
    for line in re.sub(r"\\\n", " ", block.text).splitlines():
        words = shlex.split(re.sub(r"(^|\s)#.*", "", line))
        while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
            words = words[1:]
        if words and words[0].rpartition("/")[2] == "twin":
            found.append(words[1 : words.index(">") if ">" in words else None])
    return found


def _undented(text: str, by: int) -> str:
    return (
        "".join(line[by:] if line[:by].isspace() else line for line in text.splitlines(keepends=True)) if by else text
    )
