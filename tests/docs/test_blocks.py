"""Every block of code on a page does what the page says: Python runs, commands run or are at least ones that exist."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.docs import drive
from tests.docs.pages import ROOT, Block, all_pages, blocks, blocks_of, commands
from tests.docs.walk import SHELL, is_offline
from twin.commands import parser

PAGES = [  # those in Chinese have the same code, which another test sees to
    page
    for page in all_pages()
    if not page.name.endswith(".zh.md")
    and any(
        block.language == "python" or (block.language in SHELL and any(map(is_offline, commands(block))))
        for block in blocks(page)
    )
]


@pytest.mark.parametrize("block", blocks_of(*SHELL), ids=str)
def test_commands_have_the_words_that_the_pages_give_them(block: Block) -> None:
    for words in commands(block):
        assert isinstance(parser().parse_args(words), argparse.Namespace)


@pytest.mark.parametrize("block", blocks_of("json", "toml"), ids=str)
def test_data_on_the_pages_can_be_read(block: Block) -> None:
    if block.language == "toml":
        assert tomllib.loads(block.text)
    else:
        text = block.text if block.text.lstrip()[0] in "[{" else f"{{{block.text}}}"
        assert json.loads(text)


@pytest.mark.parametrize("block", blocks_of(*SHELL), ids=str)
def test_no_shell_takes_a_part_of_an_address_for_a_variable(block: Block) -> None:
    for line in block.text.splitlines():
        assert "$" not in "".join(line.split("'")[::2]) or line.lstrip().startswith("export"), line


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with everything that the pages name."""
    folder = tmp_path_factory.mktemp("drive")
    drive.fill(folder)
    drive.city(folder)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_works_from_top_to_bottom(page: Path, filled: Path, tmp_path: Path) -> None:
    folder = tmp_path / "drive"
    shutil.copytree(filled, folder)
    way = os.pathsep.join([str(ROOT), str(folder)])
    done = subprocess.run(
        [sys.executable, "-m", "tests.docs.walk", str(page)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": way, "MPLBACKEND": "agg", "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
