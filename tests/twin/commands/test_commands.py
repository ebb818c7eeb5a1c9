"""The command as a user meets it: what it prints, what it leaves, how it fails."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import bim
import scenes
from bim.authoring import write_library
from twin.commands import VERBS, main


def feature(number: int, x: float, height: float | None) -> dict[str, object]:
    ring = [[x, 31.24], [x + 0.0003, 31.24], [x + 0.0003, 31.2403], [x, 31.2403], [x, 31.24]]
    properties = {"id": f"way/{number}", "building": "yes", "name": f"House {number}", "height": height}
    return {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [ring]}, "properties": properties}


@pytest.fixture
def houses(tmp_path: Path) -> Path:
    path = tmp_path / "buildings.geojson"
    features = [feature(number, 121.5 + number * 0.001, 10.0 * number or None) for number in range(5)]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


@pytest.fixture
def city(houses: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    out = tmp_path / "town.city"
    assert main(["build", str(out), str(houses)]) == 0
    capsys.readouterr()
    return out


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(list(arguments))
    told = capsys.readouterr()
    return code, told.out, told.err


def test_build_then_info_tell_the_same_as_json(city: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "info", str(city), "--json")
    facts = json.loads(out)
    assert code == 0
    assert facts["crs"] == "EPSG:32651"
    assert facts["objects"] == 5
    (layer,) = facts["layers"]
    assert layer["kinds"] == {"Building": 5}
    assert layer["triangles"] == 5 * 12
    assert [problem["rule"] for problem in facts["problems"]] == ["height-missing"]


def test_info_of_a_file_needs_no_package(houses: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "info", str(houses))
    assert code == 0
    assert "5 objects" in out


def test_query_and_resolve_find_the_same_object(city: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "query", str(city), "height_m > 35", "--json")
    (found,) = json.loads(out)["features"]
    assert code == 0
    assert found["properties"]["name"] == "House 4"
    assert found["geometry"]["coordinates"][0][0][0] == pytest.approx(121.504, abs=0.001)
    code, out, _ = run(capsys, "resolve", str(city), found["properties"]["uid"], "--json")
    assert json.loads(out)["attributes"]["height_m"] == 40.0


def test_options_reach_files_inside_folders(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    drive = tmp_path / "drive" / "survey"
    drive.mkdir(parents=True)
    rows = "\n".join(f"{400_000 + 10 * n},{3_420_000 + 10 * n},pole {n}" for n in range(3))
    (drive / "poles.csv").write_text(f"x,y,name\n{rows}\n")
    (drive / "notes.qqq").write_text("of no known kind")
    words = [
        "build",
        str(tmp_path / "a.city"),
        str(tmp_path / "drive"),
        "--source-crs",
        "poles.csv=EPSG:32651",
        "--json",
    ]
    code, out, _ = run(capsys, *words)
    facts = json.loads(out)
    assert (code, facts["objects"], facts["crs"]) == (0, 3, "EPSG:32651")
    assert [(each["state"], each["objects"]) for each in facts["sources"]] == [("sound", 3)]
    assert [problem["rule"] for problem in facts["problems"]] == ["file-not-read"]


def test_resolve_tells_what_an_object_is_tied_to(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = write_library(tmp_path / "library.ifc", crs="EPSG:32651", place_m=(395_600.0, 3_419_000.0, 4.5))
    bim.read(model).save(tmp_path / "library.city")
    scene = scenes.open(tmp_path / "library.city")
    system = next(uid for uid in scene if scene[uid].attributes.get("ifc_class") == "IfcDistributionSystem")
    code, out, _ = run(capsys, "resolve", str(tmp_path / "library.city"), system, "--json")
    members = next(each for each in json.loads(out)["relations"] if each["kind"] == "member")
    assert (code, members["outgoing"], members["count"] >= len(members["others"]) > 0) == (0, False, True)
    told = run(capsys, "resolve", str(tmp_path / "library.city"), system)[1]
    assert re.search(r"^member +from ", told, re.MULTILINE)


def test_the_same_file_gives_the_same_uids(houses: Path, city: Path, tmp_path: Path) -> None:
    assert main(["build", str(tmp_path / "again.city"), str(houses)]) == 0
    assert list(scenes.open(tmp_path / "again.city")) == list(scenes.open(city))


@pytest.mark.parametrize("name", ["town.glb", "town.city.json", "town.gpkg", "town.parquet", "town.obj", "town.csv"])
def test_export_writes_each_format(city: Path, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "export", str(city), str(tmp_path / name), "--where", "height_m > 15")
    assert code == 0, out
    assert (tmp_path / name).stat().st_size > 100


def test_check_fails_on_a_broken_file_and_passes_on_a_sound_one(
    houses: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "broken.geojson"
    broken.write_text(houses.read_text()[:300])
    code, out, _ = run(capsys, "check", str(broken), "--json")
    assert code == 1
    assert "error" in {problem["severity"] for problem in json.loads(out)["problems"]}
    assert run(capsys, "check", str(houses))[0] == 0


def test_scenarios_are_made_edited_compared_and_removed(
    city: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    uid = scenes.open(city).query("name = 'House 4'").index[0]
    edits = tmp_path / "edits.json"
    edits.write_text(json.dumps([{"type": "set_attribute", "uid": uid, "name": "height_m", "value": 80.0}]))
    assert run(capsys, "scenario", str(city), "new", "taller", "--author", "Li")[0] == 0
    code, _, err = run(capsys, "scenario", str(city), "edit", "taller", "--edits", str(edits))
    assert code == 0, err
    _, out, _ = run(capsys, "scenario", str(city), "diff", "taller", "--json")
    assert json.loads(out)["changed"][uid]["height_m"] == [40.0, 80.0]
    _, out, _ = run(capsys, "scenario", str(city), "list", "--json")
    assert [(each["name"], each["author"], each["edits"]) for each in json.loads(out)] == [("taller", "Li", 1)]
    assert run(capsys, "scenario", str(city), "remove", "taller")[0] == 0
    assert json.loads(run(capsys, "scenario", str(city), "list", "--json")[1]) == []


@pytest.mark.slow
def test_simulate_prints_figures_and_keeps_them(city: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out_file = tmp_path / "sun.json"
    arguments = ["simulate", str(city), "sunlight", "--set", "time_step_min=30", "resolution_m=10", "ground=false"]
    code, out, err = run(capsys, *arguments, "--out", str(out_file), "--json")
    assert code == 0, err
    facts = json.loads(out)
    assert facts["trusted"] is True
    assert json.loads(out_file.read_text())["kpis"] == facts["kpis"]


def test_simulate_lists_what_is_installed(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "simulate", "--list")
    assert code == 0
    assert "sunlight" in out
    assert "日照" in out


def test_feed_attaches_a_recording_and_detaches_it(
    city: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "streams.csv"
    table.write_text("id,unit,object\nrain-1,mm/h,way/1\n")
    recording = tmp_path / "hour.jsonl"
    recording.write_text("")
    code, out, err = run(
        capsys, "feed", str(city), "--datastreams", str(table), "--replay", str(recording), "--speed", "10"
    )
    assert code == 0, err
    assert out.strip() == f"replay:{recording}?speed=10"
    assert run(capsys, "feed", str(city), "--clear", "--json")[1].strip() == "[]"


BAD = {
    "missing file": (["build", "{tmp}/x.city", "{tmp}/none.geojson"], "there is no such file"),
    "wrong crs": (["build", "{tmp}/x.city", "{houses}", "--crs", "EPSG:99999"], "not a known coordinate system"),
    "degrees as scene crs": (["build", "{tmp}/x.city", "{houses}", "--crs", "EPSG:4326"], "is not a projected system"),
    "not a package name": (["build", "{tmp}/x", "{houses}"], "ends in .city"),
    "empty file": (["build", "{tmp}/x.city", "{tmp}/empty.geojson"], "empty"),
    "empty layer": (["build", "{tmp}/x.city", "{tmp}/nothing.geojson"], "nothing.geojson"),
    "truncated": (["build", "{tmp}/x.city", "{tmp}/cut.geojson"], "cut.geojson"),
    "unsupported schema": (["build", "{tmp}/x.city", "{tmp}/old.ifc"], "IFC4X3_RC3"),
    "unknown kind": (["build", "{tmp}/x.city", "{tmp}/letter.docx"], "no loader reads .docx"),
    "place of a stranger": (["build", "{tmp}/x.city", "{houses}", "--place", "a.ifc=1,2"], "not among the sources"),
    "no sources": (["build", "{tmp}/x.city"], "nothing to load"),
    "no package": (["query", "{tmp}/none.city", "a = 1"], "none.city"),
    "unknown column": (["query", "{city}", "heigt_m > 1"], "height_m"),
    "bad filter": (["query", "{city}", "height_m >"], "height_m >"),
    "unknown object": (["resolve", "{city}", "way/999"], "way/999"),
    "unknown simulation": (["simulate", "{city}", "weather"], "weather"),
    "wrong input": (["simulate", "{city}", "sunlight", "--set", "time_step_min=-1"], "time_step_min"),
    "unknown format": (["export", "{city}", "{tmp}/town.xyz123"], "xyz123"),
    "not there yet: report": (["report", "{city}", "{tmp}/r.html"], "not there yet"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_ends_in_one_sentence_and_leaves_nothing(
    case: str, houses: Path, city: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty.geojson").write_text("")
    (tmp_path / "nothing.geojson").write_text('{"type": "FeatureCollection", "features": []}')
    (tmp_path / "cut.geojson").write_text(houses.read_text()[:300])
    (tmp_path / "old.ifc").write_text(
        "ISO-10303-21;\nHEADER;\nFILE_DESCRIPTION((''),'2;1');\nFILE_NAME('','',(''),(''),'','','');\n"
        "FILE_SCHEMA(('IFC4X3_RC3'));\nENDSEC;\nDATA;\nENDSEC;\nEND-ISO-10303-21;\n"
    )
    (tmp_path / "letter.docx").write_text("dear city")
    arguments, words = BAD[case]
    before = sorted(path.name for path in tmp_path.iterdir())
    code, _, err = run(capsys, *(text.format(tmp=tmp_path, houses=houses, city=city) for text in arguments))
    assert code == 1
    assert words in err
    assert len(err.strip().splitlines()) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_every_verb_has_help(capsys: pytest.CaptureFixture[str]) -> None:
    for verb in VERBS:
        with pytest.raises(SystemExit) as ended:
            main([verb, "--help"])
        assert ended.value.code == 0
        assert verb in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["fly"], ["serve", "x.city", "--port", "99999"], ["demo", "--port", "high"]])
def test_wrong_usage_is_exit_code_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
