"""The table of a skyline, and what it names: objects, the ground by its layer, nothing before the sky."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

import pytest

from .typescript import TypeScript

if TYPE_CHECKING:
    from collections.abc import Iterator

WAY = """
import { groundOf, peaksOf, skylineCsv } from "./src/ui/tools/skyline_chart";
const names: Record<number, string> = { 0: 'Tower "A", west', 1: "=HYPERLINK(1)", 2: "塔楼" };
export const sky = {
  table: (outlines: any) => skylineCsv(outlines, (handle) => (handle < 0 ? "" : names[handle] ?? "")),
  ground: (layers: any, handle: number) => groundOf(layers, handle)?.name ?? null,
  peaks: (skyline: any, layers: any) => peaksOf(skyline, 8, (handle) => groundOf(layers, handle) === null),
};
"""
LAYERS = [
    {"name": "buildings", "theme": "buildings", "base": 0, "count": 3},
    {"name": "terrain", "theme": "terrain", "base": 3, "count": 1},
    {"name": "streets", "theme": "roads", "base": 4, "count": 10},
]


@pytest.fixture(scope="module")
def ts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TypeScript]:
    made = TypeScript({}, tmp_path_factory.mktemp("sky"), WAY)
    yield made
    made.close()


def _skyline(handles: list[int], elevations: list[float], start_deg: float = 359.9) -> dict[str, Any]:
    distances = [100.0 + i for i in range(len(handles))]
    seen = {"elevations": elevations, "distances": distances, "handles": handles}
    return {"eye": [0, 0, 1.6], "start_deg": start_deg, "step_deg": 0.1, **seen}


def test_the_table_has_a_row_for_each_direction_and_columns_for_each_line(ts: TypeScript) -> None:
    base = {"kind": "base", "title": "", "skyline": _skyline([0, 1, -1], [12.3456, -1.0, 0.0])}
    variant = {"kind": "variant", "title": "", "skyline": _skyline([2, 2, 2], [30.0, 31.0, 32.0])}
    text = ts("sky.table", [base, variant])
    assert text.startswith("\ufeff"), "spreadsheets read the letters right"
    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))
    assert [row["azimuth_deg"] for row in rows] == ["359.950", "0.050", "0.150"]
    assert [row["base_object"] for row in rows] == ['Tower "A", west', "'=HYPERLINK(1)", ""]
    assert [row["base_elevation_deg"] for row in rows] == ["12.346", "-1.000", "0.000"]
    assert [row["base_distance_m"] for row in rows] == ["100.0", "101.0", "102.0"]
    assert [row["variant_object"] for row in rows] == ["塔楼"] * 3
    assert [row["variant_elevation_deg"] for row in rows] == ["30.000", "31.000", "32.000"]


@pytest.mark.parametrize(
    ("handle", "ground"),
    [(0, None), (2, None), (3, "terrain"), (4, "streets"), (13, "streets"), (14, None), (-1, None)],
)
def test_the_ground_is_named_by_its_layer(ts: TypeScript, handle: int, ground: str | None) -> None:
    assert ts("sky.ground", LAYERS, handle) == ground


def test_the_ground_is_no_peak_however_high(ts: TypeScript) -> None:
    peaks = ts("sky.peaks", _skyline([3, 0, 0, 1, 5], [40.0, 10.0, 12.0, 20.0, 50.0], 0.0), LAYERS)
    assert [(peak["handle"], peak["elevation_deg"]) for peak in peaks] == [(1, 20.0), (0, 12.0)]
    assert [round(peak["azimuth_deg"], 2) for peak in peaks] == [0.35, 0.25]
