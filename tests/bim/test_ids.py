"""Models are audited against IDS files: what is required, what is prohibited, and files that are no IDS."""

from __future__ import annotations

from pathlib import Path

import ifcopenshell.api.project
import ifcopenshell.api.pset
import ifcopenshell.api.root
import pytest
from ifctester import ids

from bim.ids import IdsChecker
from scenes import LoadError, MissingSourceError
from scenes.guard import Reader
from scenes.sources import Source


@pytest.fixture
def model(tmp_path: Path) -> Source:
    file = ifcopenshell.api.project.create_file(version="IFC4")
    ifcopenshell.api.root.create_entity(file, "IfcProject", name="P")
    for name, rating in (("good", "F90"), ("bad", None)):
        wall = ifcopenshell.api.root.create_entity(file, "IfcWall", name=name)
        pset = ifcopenshell.api.pset.add_pset(file, wall, "Pset_WallCommon")
        ifcopenshell.api.pset.edit_pset(file, pset, properties={"FireRating": rating, "IsExternal": True})
    path = tmp_path / "model.ifc"
    file.write(str(path))
    return Source(str(path))


def specification(folder: Path, entity: str, *, occurs: tuple[int, int | str] = (0, "unbounded")) -> str:
    made = ids.Ids(title="Rules")
    rule = ids.Specification(name="Fire rating", ifcVersion=["IFC4"], minOccurs=occurs[0], maxOccurs=occurs[1])
    rule.applicability.append(ids.Entity(name=entity))
    rule.requirements.append(ids.Property(propertySet="Pset_WallCommon", baseName="FireRating", dataType="IFCLABEL"))
    made.specifications.append(rule)
    path = folder / "rules.ids"
    made.to_xml(str(path))
    return str(path)


def test_an_element_that_fails_is_named_with_its_reason(model: Source, tmp_path: Path) -> None:
    found = IdsChecker(specification(tmp_path, "IFCWALL")).check(model)
    assert [problem.rule for problem in found] == ["ids-requirement"]
    assert "IfcWall bad" in found[0].object
    assert "Fire rating" in found[0].message


def test_required_and_prohibited_things_are_counted(model: Source, tmp_path: Path) -> None:
    missing = IdsChecker(specification(tmp_path, "IFCSLAB", occurs=(1, "unbounded"))).check(model)
    assert [problem.rule for problem in missing] == ["ids-missing"]
    prohibited = IdsChecker(specification(tmp_path, "IFCWALL", occurs=(0, 0))).check(model)
    assert [problem.rule for problem in prohibited] == ["ids-prohibited"] * 2
    assert IdsChecker(specification(tmp_path, "IFCSLAB")).check(model) == []


def test_an_audit_runs_in_a_reader_process(model: Source, tmp_path: Path) -> None:
    reader = Reader()
    found = reader.value(IdsChecker(specification(tmp_path, "IFCWALL")), "check", model)
    reader.close()
    assert len(found) == 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is no valid IDS"),
        ("<ids/>", "is no valid IDS"),
        ("<!DOCTYPE x [<!ENTITY a 'b'>]><ids>&a;</ids>", "declares entities"),
    ],
)
def test_what_is_no_ids_is_one_sentence(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "rules.ids"
    path.write_text(text)
    with pytest.raises(LoadError, match=says):
        IdsChecker(str(path)).read()
    with pytest.raises(MissingSourceError, match="no such file"):
        IdsChecker(str(tmp_path / "none.ids")).read()
