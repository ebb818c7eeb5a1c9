"""docs/reference/commands.md names every verb and every option, and none that is not there."""

from __future__ import annotations

import re

import pytest

from tests.twin.commands.page import PAGE, options, sections, verbs
from twin.commands import VERBS

TEXT = PAGE.read_text("utf-8")


def test_every_verb_has_its_line_and_its_section() -> None:
    assert set(sections(TEXT)) == set(verbs())
    assert re.findall(r"^\| `twin ([a-z]+)` \|", TEXT, re.MULTILINE) == list(VERBS)


@pytest.mark.parametrize("verb", verbs())
def test_the_page_has_the_options_of_a_verb_and_no_others(verb: str) -> None:
    shown = set(re.findall(r"(?<![\w-])--[a-z][a-z0-9-]*", sections(TEXT)[verb]))
    real = options(verbs()[verb])
    assert real <= shown, "write the page anew: python -m tests.twin.commands.page"
    spoken = {text for one in verbs().values() for text in options(one)}
    assert shown - real <= spoken - real
    assert {text for text in shown - real if f"\n  {text}" in sections(TEXT)[verb]} == set()


def test_every_option_says_what_it_does() -> None:
    silent = [
        f"{verb} {action.option_strings or action.dest}"
        for verb, one in verbs().items()
        for action in one._actions
        if action.option_strings and not action.help
    ]
    assert silent == []
