"""pandapower networks, written as the library writes them (format 3.3 and the older one with tables of places)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gis.networks.power import PowerLoader
from scenes import Batch, Georeference, GeoreferenceError, Layer, LoadError, Problems
from scenes.loading import LoadContext
from scenes.sources import Source


def table(columns: list[str], *rows: list[Any]) -> dict[str, Any]:
    """Return a table as pandapower writes it: JSON within text."""
    body = {"columns": columns, "index": list(range(len(rows))), "data": list(rows)}
    return {"_module": "pandas.core.frame", "_class": "DataFrame", "_object": json.dumps(body), "orient": "split"}


def point(x: float, y: float) -> str:
    return json.dumps({"type": "Point", "coordinates": [x, y]})


LINE_COLUMNS = ["name", "std_type", "from_bus", "to_bus", "length_km", "r_ohm_per_km", "max_i_ka", "type", "geo"]
WAY = json.dumps({"type": "LineString", "coordinates": [[8.41, 49.01], [8.415, 49.012], [8.42, 49.02]]})
NET: dict[str, Any] = {
    "bus": table(
        ["name", "vn_kv", "type", "in_service", "geo"],
        ["Grid", 110.0, "b", True, point(8.40, 49.01)],
        ["Station A", 20.0, "b", True, point(8.41, 49.01)],
        ["Station B", 20.0, "b", True, point(8.42, 49.02)],
        ["Lost", 20.0, "b", True, None],
    ),
    "line": table(
        LINE_COLUMNS,
        ["L1", "NA2XS2Y", 1, 2, 1.4, 0.122, 0.421, "cs", WAY],
        ["L2", "149-AL1", 0, 1, 0.8, 0.194, 0.535, "ol", None],
        ["L3", "149-AL1", 0, 3, 0.8, 0.194, 0.535, "ol", None],
    ),
    "trafo": table(["name", "hv_bus", "lv_bus", "sn_mva"], ["T1", 0, 1, 25.0]),
    "load": table(["name", "bus", "p_mw", "q_mvar"], ["Homes", 2, 0.4, 0.1], ["Lost load", 3, 0.1, 0.0]),
    "ext_grid": table(["name", "bus", "vm_pu"], [None, 0, 1.0]),
    "switch": table(["bus", "element", "et", "closed"], [1, 0, "l", False]),
    "name": "two streets",
}


def load(folder: Path, net: dict[str, Any], problems: Problems | None = None, crs: str = "") -> dict[str, Batch]:
    path = folder / "net.json"
    path.write_text(json.dumps({"_module": "pandapower.auxiliary", "_class": "pandapowerNet", "_object": net}))
    source = Source(str(path), crs=crs)
    assert PowerLoader().supports(source)
    PowerLoader().locate(source)
    frame = Georeference.around(8.41, 49.01)
    found: list[tuple[Layer, Batch]] = list(
        PowerLoader().load(source, LoadContext(frame, problems=problems or Problems()))
    )
    return {layer.name: batch.with_bounds() for layer, batch in found}


def test_cables_lie_in_the_ground_and_overhead_lines_hang_by_their_voltage(tmp_path: Path) -> None:
    cable, line = load(tmp_path, NET)["power-lines"].table.to_pylist()
    assert (cable["class"], cable["voltage_level"]) == ("cable", "medium")
    assert cable["max_z"] < 0
    assert (line["class"], line["voltage_level"], line["voltage_kv"]) == ("overhead line", "high", 110.0)
    assert line["min_z"] > 20
    assert cable["length_km"] == 1.4


def test_units_follow_the_names_of_columns(tmp_path: Path) -> None:
    layers = load(tmp_path, NET)
    lines, nodes = layers["power-lines"].table.schema, layers["power-nodes"].table.schema
    assert lines.field("r_ohm_per_km").metadata == {b"unit": b"Ohm/km"}
    assert lines.field("max_i_ka").metadata == {b"unit": b"kA"}
    assert nodes.field("p_mw").metadata == {b"unit": b"MW"}
    assert nodes.field("vn_kv").metadata == {b"unit": b"kV"}


def test_what_is_connected_is_kept(tmp_path: Path) -> None:
    layers = load(tmp_path, NET)
    nodes = layers["power-nodes"]
    uids = {row["source_id"]: row["uid"] for layer in layers.values() for row in layer.table.to_pylist()}
    ids = nodes.table["source_id"].to_pylist()
    links = {(ids[link["row"]], link["target"], link["role"]) for link in nodes.relations.to_pylist()}
    assert links == {
        ("trafo/0", uids["bus/0"], "hv"), ("trafo/0", uids["bus/1"], "lv"), ("load/0", uids["bus/2"], ""),
        ("ext_grid/0", uids["bus/0"], ""), ("bus/1", uids["line/0"], "switch open"),
    }  # fmt: skip
    assert layers["power-lines"].relations.num_rows == 4


def test_what_has_no_place_is_reported(tmp_path: Path) -> None:
    problems = Problems()
    load(tmp_path, NET, problems)
    assert problems.count("node-without-place") == 1
    assert problems.count("link-without-node") == 2


def test_older_files_have_their_places_in_tables(tmp_path: Path) -> None:
    net = {key: value for key, value in NET.items() if key in {"trafo", "load", "ext_grid"}}
    net["bus"] = table(["name", "vn_kv"], ["Grid", 110.0], ["Station A", 20.0], ["Station B", 20.0])
    net["line"] = table(["name", "from_bus", "to_bus", "type"], ["L1", 1, 2, "cs"])
    net["bus_geodata"] = table(
        ["x", "y"], [3_456_000.0, 5_430_000.0], [3_456_500.0, 5_430_000.0], [3_457_000.0, 5_430_300.0]
    )
    net["line_geodata"] = table(
        ["coords"], [[[3_456_500.0, 5_430_000.0], [3_456_700.0, 5_430_200.0], [3_457_000.0, 5_430_300.0]]]
    )
    with pytest.raises(GeoreferenceError, match="--source-crs"):
        load(tmp_path, net)
    layers = load(tmp_path, net, crs="EPSG:31467")
    assert layers["power-lines"].finest().triangle_count == 6 * 2 * 2 + 12  # two pieces of six sides, two ends


@pytest.mark.parametrize("body", ['{"_class": "pandapowerNet"}', '{"_class": "pandapowerNet", "_object": {"bus": 3}}'])
def test_broken_files_end_in_one_sentence(tmp_path: Path, body: str) -> None:
    path = tmp_path / "net.json"
    path.write_text(body)
    with pytest.raises(LoadError):
        PowerLoader().locate(Source(str(path)))
