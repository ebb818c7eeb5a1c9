"""Findings are printed with the worst first."""

from __future__ import annotations

import pytest

from twin.commands.shared import print_problems


def test_the_worst_finding_stands_first_and_repeats_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    told = [("info", "label"), *[("warning", "height")] * 5, ("error", "crs")]
    print_problems(
        [{"severity": how, "object": f"o{n}", "rule": rule, "message": "m"} for n, (how, rule) in enumerate(told)]
    )
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["error", "warning", "warning", "warning", "info", "..."]
    assert "2 more of [height]" in lines[-1]
