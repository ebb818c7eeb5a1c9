"""Several models in one zip, and models that are read as if their header named another schema."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import bim
from bim.disguise import unknown_entities
from bim.loader import BimLoader
from scenes import LoadError, UnsupportedError
from scenes.georeference import Georeference
from scenes.loading import LoadContext
from scenes.sources import Placement, Source

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PLACE = {"crs": "EPSG:32651", "place": Placement(354_000.0, 3_457_000.0)}


def draft(path: Path, schema: str, target: Path) -> Path:
    """Write a model under the name of another schema."""
    text = path.read_text()
    head, rest = text.split("FILE_SCHEMA", 1)
    target.write_text(f"{head}FILE_SCHEMA(('{schema}'){rest[rest.index(';') - 1 :]}")
    return target


def test_all_models_of_a_zip_are_read_each_with_ids_of_its_own(new_house: Callable[..., Any], tmp_path: Path) -> None:
    house = new_house()
    wall = house.wall("North")
    path = house.save(tmp_path / "house.ifc")
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:
        archive.write(path, "north/house.ifc")
        archive.write(path, "south/house.ifc")
        archive.writestr("broken.ifc", "nothing")
    scene = bim.read(tmp_path / "two.zip", **PLACE)
    assert list(scene.layers) == ["north-house", "south-house"]
    assert len(set(scene)) == len(scene) == 10
    found = [(problem["rule"], problem["object"]) for problem in scene.metadata["problems"]]
    assert ("model-left-out", f"{tmp_path / 'two.zip'}/broken.ifc") in found
    boxes = [layer.bounds() for layer in scene.layers.values()]
    assert np.allclose(boxes[0], boxes[1])  # type: ignore[arg-type]
    assert wall.GlobalId in {scene[uid].aliases.get("ifc") for uid in scene}


def test_a_zip_of_nothing_but_broken_models_says_why(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:
        archive.writestr("a.ifc", "nothing")
        archive.writestr("b.ifc", "nothing")
    with pytest.raises(LoadError, match=r"two\.zip/a\.ifc: is not an IFC file"):
        bim.read(tmp_path / "two.zip", **PLACE)


def test_a_draft_is_read_as_the_schema_that_the_user_names(new_house: Callable[..., Any], tmp_path: Path) -> None:
    house = new_house("IFC4X3")
    house.wall("North")
    path = draft(house.save(tmp_path / "final.ifc"), "IFC4X3_RC3", tmp_path / "draft.ifc")
    with pytest.raises(UnsupportedError, match=r"schema IFC4X3_RC3 .*--as IFC4X3_ADD2"):
        bim.read(path, **PLACE)
    scene = bim.read(path, schema="IFC4X3_ADD2", **PLACE)
    assert list(scene.layers) == ["draft"]
    assert scene.bounds() == bim.read(tmp_path / "final.ifc", **PLACE).bounds()
    again = bim.read(path, schema="ifc4x3_add2", **PLACE)
    assert set(again) == set(scene)


@pytest.mark.parametrize("zipped", [False, True])
def test_an_earlier_edition_of_a_schema_is_read_unasked(
    new_house: Callable[..., Any], tmp_path: Path, zipped: bool
) -> None:
    house = new_house("IFC4X3")
    house.wall("North")
    path = draft(house.save(tmp_path / "final.ifc"), "IFC4X3_ADD1", tmp_path / "early.ifc")
    if zipped:
        with zipfile.ZipFile(tmp_path / "early.ifczip", "w") as archive:
            archive.write(path, "early.ifc")
        path = tmp_path / "early.ifczip"
    scene = bim.read(path, **PLACE)
    assert "schema-read-as" in {problem["rule"] for problem in scene.metadata["problems"]}
    assert scene.bounds() == bim.read(tmp_path / "final.ifc", **PLACE).bounds()


def test_entities_that_the_schema_lacks_are_counted(new_house: Callable[..., Any], tmp_path: Path) -> None:
    house = new_house("IFC4X3")
    house.wall("North")
    path = draft(house.save(tmp_path / "final.ifc"), "IFC4X3_RC3", tmp_path / "draft.ifc")
    strange = "#90001=IFCSTRANGETHING('x');\n#90002=IFCSTRANGETHING('y');\n"
    text = path.read_text()
    at = text.index("ENDSEC", text.index("DATA;"))
    path.write_text(text[:at] + strange + text[at:])
    found = bim.read(path, schema="IFC4X3_ADD2", **PLACE).metadata["problems"]
    assert "2 IFCSTRANGETHING left out, since IFC4X3_ADD2 has no such entity" in {each["message"] for each in found}
    assert dict(unknown_entities(path, frozenset({"IFCWALL"})))["IFCSTRANGETHING"] == 2


def test_an_unknown_schema_is_refused_with_the_list(new_house: Callable[..., Any], tmp_path: Path) -> None:
    path = new_house().save(tmp_path / "house.ifc")
    with pytest.raises(UnsupportedError, match="schema IFC9 is not read; choose one of IFC2X3, IFC4"):
        bim.read(path, schema="IFC9", **PLACE)


def test_content_that_does_not_fit_ends_in_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "odd.ifc"
    path.write_text(
        "ISO-10303-21;\nHEADER;\nFILE_DESCRIPTION((''),'2;1');\nFILE_NAME('','',(''),(''),'','','');\n"
        "FILE_SCHEMA(('IFC4X1'));\nENDSEC;\nDATA;\n#1=IFCNOTHING('x');\nENDSEC;\nEND-ISO-10303-21;\n"
    )
    with pytest.raises(LoadError) as caught:
        bim.read(path, schema="IFC4X3_ADD2", **PLACE)
    assert str(caught.value).startswith(f"{path}: ")
    assert "may not fit IFC4X3_ADD2" in str(caught.value)


def test_the_models_of_a_zip_lie_in_one_frame(new_house: Callable[..., Any], tmp_path: Path) -> None:
    house = new_house()
    house.wall("North")
    first = house.save(tmp_path / "a.ifc")
    house.wall("South", (0.0, 8.0, 0.0))
    second = house.save(tmp_path / "b.ifc")
    with zipfile.ZipFile(tmp_path / "both.zip", "w") as archive:
        archive.write(first, "a.ifc")
        archive.write(second, "b.ifc")
    frame = Georeference("EPSG:32651", 354_000.0, 3_457_000.0)
    source = Source(str(tmp_path / "both.zip"), place=PLACE["place"])  # type: ignore[arg-type]
    loaded = list(BimLoader().load(source, LoadContext(frame)))
    boxes = {layer.name: np.nanmin(batch.table["min_x"].to_numpy()) for layer, batch in loaded}
    assert boxes["a"] == pytest.approx(boxes["b"])
