"""Models that nobody places stand beside the scene and say so; those of one project keep their frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from scenes.assembly import gather
from scenes.errors import UnplacedError
from scenes.sources import Placement, Source

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from scenes.outcomes import Assembly, Outcome

AT = Placement(354_000.0, 3_457_000.0, 12.0)


def models(new_house: Callable[..., Any], folder: Path) -> list[Source]:
    """Return a placed model, two of another project in one frame that nobody places, and one of a third."""
    placed = new_house()
    placed.wall("Here")
    other = new_house()
    other.wall("West")
    first = other.save(folder / "b.ifc")
    other.wall("East", (30.0, 0.0, 0.0))
    second = other.save(folder / "c.ifc")
    third = new_house()
    third.wall("Alone", (500.0, 500.0, 100.0))
    paths = [placed.save(folder / "a.ifc"), first, second, third.save(folder / "d.ifc")]
    return [Source(str(path), place=AT if path.name == "a.ifc" else None) for path in paths]


def gathered(sources: list[Source], *, aside: bool = True) -> tuple[Assembly, dict[str, Outcome]]:
    made = gather(sources, crs="EPSG:32651", keep_going=True, aside=aside)
    return made, {outcome.source.title: outcome for outcome in made.outcomes}


def test_models_without_a_place_stand_beside_the_scene(new_house: Callable[..., Any], tmp_path: Path) -> None:
    made, outcomes = gathered(models(new_house, tmp_path))
    scene = made.scene
    assert scene is not None
    assert [outcome.error for outcome in made.outcomes] == [None] * 4
    assert scene.metadata["place_unknown"] == ["b.ifc", "c.ifc", "d.ifc"]
    boxes = {name: np.array(scene.layers[name].bounds()) for name in "abcd"}
    assert boxes["b"][0] > boxes["a"][3] + 19.0
    assert np.allclose(boxes["b"][:3], boxes["c"][:3])  # one frame: the wall that both hold coincides
    assert boxes["c"][3] > boxes["b"][3] + 20.0
    assert boxes["d"][1] > boxes["c"][4] + 19.0  # clear of the others
    assert [boxes[name][2] for name in "abcd"] == [12.0] * 4  # on the ground of the scene, whatever its own heights
    told = [problem for problem in outcomes["c.ifc"].problems.listed() if problem.rule == "place-unknown"]
    assert [(each.severity, each.advice) for each in told] == [("warning", "place it with --place c.ifc=E,N,H,ANGLE")]
    assert "in one frame with 1 others" in told[0].message


def test_the_place_of_a_model_that_stands_aside_is_told_as_unknown(
    new_house: Callable[..., Any], tmp_path: Path
) -> None:
    made, outcomes = gathered(models(new_house, tmp_path))
    facts = outcomes["d.ifc"].as_dict()
    assert (facts["place"], facts["state"], facts["objects"] > 0) == ("unknown", "warnings", True)
    assert facts["georeference"]["hypotheses"] == []  # not what it was put by
    assert facts["stands_at"]["crs"] == "EPSG:32651"
    assert "place" not in outcomes["a.ifc"].as_dict()
    assert made.scene is not None
    layers = made.scene.layers
    assert layers["d"].titles == {"en": "d (place unknown)", "zh": "d（位置未知）"}
    assert layers["d"].table["place_unknown"].to_pylist() == [True] * len(layers["d"])
    assert "place_unknown" not in layers["a"].table.column_names
    assert outcomes["d.ifc"].source.place is None


def test_what_stands_aside_lies_where_its_facts_say(new_house: Callable[..., Any], tmp_path: Path) -> None:
    sources = models(new_house, tmp_path)
    made, outcomes = gathered(sources)
    at = outcomes["d.ifc"].facts["stands_at"]
    there = Placement(at["easting_m"], at["northing_m"], at["height_m"])
    assert made.scene is not None
    again = gather([Source(sources[3].path, place=there)], georeference=made.scene.georeference)
    assert again.scene is not None
    assert np.allclose(made.scene.layers["d"].bounds() or (), again.scene.layers["d"].bounds() or (), atol=2e-3)


def test_without_leave_they_are_left_out_as_before(new_house: Callable[..., Any], tmp_path: Path) -> None:
    sources = models(new_house, tmp_path)
    _, outcomes = gathered(sources, aside=False)
    assert [type(outcomes[f"{name}.ifc"].error) for name in "bcd"] == [UnplacedError] * 3
    with pytest.raises(UnplacedError, match=r"b.ifc: does not say where on Earth it lies; place it with --place"):
        gather(sources, crs="EPSG:32651", aside=True)


def test_a_mesh_without_a_place_stands_aside_too(new_house: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "cube.obj").write_text("v 0 0 0\nv 4 0 0\nv 0 4 0\nv 0 0 4\nf 1 2 3\nf 1 2 4\nf 2 3 4\nf 1 3 4\n")
    made, outcomes = gathered([*models(new_house, tmp_path)[:1], Source(str(tmp_path / "cube.obj"))])
    assert made.scene is not None
    low = np.array(made.scene.layers["cube"].bounds())[:3]
    assert low[0] > np.array(made.scene.layers["a"].bounds())[3]
    assert outcomes["cube.obj"].facts["place"] == "unknown"


@pytest.mark.real_data
def test_real_models_of_many_projects_are_all_there(real_data: Path) -> None:
    names = ("AC20-FZK-Haus", "IfcOpenHouse_IFC4", "SimpleWall", "TallBuilding", "Ifc2x3_Duplex_Architecture")
    sources = [Source(str(real_data / f"ifc/building/{name}.ifc")) for name in names]
    made = gather(sources, keep_going=True, aside=True)
    states = {each.source.title: (each.error is not None, each.facts.get("place")) for each in made.outcomes}
    assert states == {
        "AC20-FZK-Haus.ifc": (False, None),
        "IfcOpenHouse_IFC4.ifc": (False, "unknown"),
        "SimpleWall.ifc": (False, "unknown"),
        "TallBuilding.ifc": (False, "unknown"),
        "Ifc2x3_Duplex_Architecture.ifc": (True, None),  # says Chicago
    }
    assert made.scene is not None
