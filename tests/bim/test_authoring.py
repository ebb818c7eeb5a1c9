"""The library of the demo city: a good IFC4 model, written the same every time."""

from __future__ import annotations

from pathlib import Path

import ifcopenshell
import ifcopenshell.util.element
import ifcopenshell.validate
import pytest

from bim.authoring import STOREYS, write_library


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_library(
        tmp_path_factory.mktemp("ifc") / "library.ifc",
        crs="EPSG:32651",
        place_m=(395_600.0, 3_419_000.0, 4.5),
        angle_deg=30.0,
    )


def test_the_model_is_valid_ifc4(written: Path) -> None:
    logger = ifcopenshell.validate.json_logger()
    ifcopenshell.validate.validate(str(written), logger)
    assert logger.statements == []


def test_it_has_storeys_rooms_openings_and_a_system(written: Path) -> None:
    model = ifcopenshell.open(str(written))
    assert len(model.by_type("IfcBuildingStorey")) == STOREYS
    assert len(model.by_type("IfcSpace")) == 8 * STOREYS
    windows = model.by_type("IfcWindow")
    assert windows
    assert all(window.FillsVoids[0].RelatingOpeningElement.VoidsElements for window in windows)
    system = model.by_type("IfcDistributionSystem")[0]
    assert len(system.IsGroupedBy[0].RelatedObjects) == 2 * STOREYS + 1
    wall = next(wall for wall in model.by_type("IfcWall") if wall.Name.startswith("South"))
    psets = ifcopenshell.util.element.get_psets(wall)
    assert psets["Pset_WallCommon"]["ThermalTransmittance"] == 0.24
    assert psets["Qto_WallBaseQuantities"]["Length"] == 42.0


def test_it_says_where_it_lies(written: Path) -> None:
    model = ifcopenshell.open(str(written))
    conversion = model.by_type("IfcMapConversion")[0]
    assert (conversion.Eastings, conversion.Northings, conversion.OrthogonalHeight) == (395_600.0, 3_419_000.0, 4.5)
    assert conversion.XAxisAbscissa == pytest.approx(0.8660254)
    assert model.by_type("IfcProjectedCRS")[0].Name == "EPSG:32651"


def test_it_is_written_the_same_every_time(written: Path, tmp_path: Path) -> None:
    again = write_library(
        tmp_path / "again.ifc", crs="EPSG:32651", place_m=(395_600.0, 3_419_000.0, 4.5), angle_deg=30.0
    )
    skip = b"FILE_NAME"
    lines = [line for line in written.read_bytes().splitlines() if not line.startswith(skip)]
    assert lines == [line for line in again.read_bytes().splitlines() if not line.startswith(skip)]
