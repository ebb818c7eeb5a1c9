"""Options may stand before, between and behind the arguments of a verb."""

from __future__ import annotations

import itertools

import pytest

from twin.commands import parser


@pytest.mark.parametrize(
    "parts",
    list(
        itertools.permutations(
            (["town.city"], ["mqtt://broker:1883"], ["--datastreams", "streams.csv"], ["--speed", "2"])
        )
    ),
    ids=lambda parts: " ".join(itertools.chain(*parts)),
)
def test_every_order_says_the_same(parts: tuple[list[str], ...]) -> None:
    words = ["feed", *itertools.chain(*parts)]
    found = parser().parse_args(words)
    assert (found.datastreams, found.speed) == ("streams.csv", 2.0)
    assert [found.city, *found.sources] == [word for word in words if word in ("town.city", "mqtt://broker:1883")]


def test_an_unknown_option_and_a_missing_argument_end_in_2() -> None:
    for words in (["build", "a.city", "--bogus", "b.gml"], ["query", "a.city"], ["build"]):
        with pytest.raises(SystemExit) as ended:
            parser().parse_args(words)
        assert ended.value.code == 2
