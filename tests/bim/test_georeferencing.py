"""Every way in which a file says where it lies."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bim.georeferencing import Georeferenced, read_georeference
from bim.placing import Placing, placing_for
from scenes import Georeference, GeoreferenceError
from scenes.georeference import transformer
from scenes.sources import Placement

if TYPE_CHECKING:
    from pathlib import Path

METRE = "#3=IFCSIUNIT(*,.LENGTHUNIT.,$,.METRE.);"
MILLI = "#2=IFCSIUNIT(*,.LENGTHUNIT.,.MILLI.,.METRE.);"
FOOT = "#2=IFCCONVERSIONBASEDUNIT(#5,.LENGTHUNIT.,'FOOT',#6);#6=IFCMEASUREWITHUNIT(IFCRATIOMEASURE(0.3048),#3);"


def stated(folder: Path, *lines: str, unit: str = "#2") -> Georeferenced | None:
    path = folder / "model.ifc"
    path.write_text("\n".join([f"#1=IFCUNITASSIGNMENT(({unit}));", MILLI, METRE, *lines]))
    return read_georeference(path)


def place_of(found: Georeferenced | None) -> tuple[float, float, float]:
    assert found is not None
    return found.easting_m, found.northing_m, found.height_m


def test_a_map_conversion_without_map_unit_is_in_project_units(tmp_path: Path) -> None:
    found = stated(
        tmp_path,
        "#10=IFCPROJECTEDCRS('EPSG:32651',$,$,$,$,$,$);",
        "#11=IFCMAPCONVERSION(#9,#10,354000000.,3457000000.,4500.,0.,1.,1.);",
    )
    assert place_of(found) == (354_000.0, 3_457_000.0, 4.5)
    assert found is not None
    assert found.angle_rad == pytest.approx(math.pi / 2)
    assert found.scale == 1.0


@pytest.mark.parametrize("scale", ["0.001", "1000.", "1.", "$"])
def test_a_map_unit_in_metres_is_taken_whichever_way_the_scale_is_written(tmp_path: Path, scale: str) -> None:
    found = stated(
        tmp_path,
        "#10=IFCPROJECTEDCRS('urn:ogc:def:crs:EPSG::32651',$,$,$,$,$,#3);",
        f"#11=IFCMAPCONVERSION(#9,#10,354000.,3457000.,4.5,1.,0.,{scale});",
    )
    assert place_of(found) == (354_000.0, 3_457_000.0, 4.5)
    assert found is not None
    assert found.scale == pytest.approx(1.0)


def test_eastings_in_the_wrong_unit_are_found_out(tmp_path: Path) -> None:
    found = stated(
        tmp_path,
        "#10=IFCPROJECTEDCRS('EPSG:32651',$,$,$,$,$,#3);",
        "#11=IFCMAPCONVERSION(#9,#10,354000000.,3457000000.,4500.,1.,0.,$);",
    )
    assert place_of(found) == (354_000.0, 3_457_000.0, 4.5)
    assert found is not None
    assert found.remarks[0][0] == "georeference-unit"


def test_the_property_set_of_older_files_counts(tmp_path: Path) -> None:
    found = stated(
        tmp_path,
        "#10=IFCPROPERTYSET('a',$,'ePSet_MapConversion',$,(#11,#12));",
        "#11=IFCPROPERTYSINGLEVALUE('Eastings',$,IFCLENGTHMEASURE(354000000.),$);",
        "#12=IFCPROPERTYSINGLEVALUE('Northings',$,IFCLENGTHMEASURE(3457000000.),$);",
        "#13=IFCPROPERTYSET('b',$,'ePSet_ProjectedCRS',$,(#14));",
        "#14=IFCPROPERTYSINGLEVALUE('Name',$,IFCLABEL('EPSG:32651'),$);",
    )
    assert place_of(found) == (354_000.0, 3_457_000.0, 0.0)
    assert found is not None
    assert found.method == "property-set"


def test_the_site_is_a_fallback_and_says_so(tmp_path: Path) -> None:
    found = stated(tmp_path, "#9=IFCSITE('x',$,$,$,$,$,$,$,.ELEMENT.,(31,14,0),(121,30,0),4500.,$,$);")
    assert found is not None
    assert found.crs == "EPSG:32651"
    assert found.height_m == pytest.approx(4.5)
    assert [rule for rule, _ in found.remarks] == ["georeference-fallback"]


def test_the_default_site_of_an_authoring_tool_is_flagged(tmp_path: Path) -> None:
    site = "#9=IFCSITE('x',$,$,$,$,$,$,$,.ELEMENT.,(42,21,31,181945),(-71,-3,-24,-263305),0.,$,$);"
    found = stated(tmp_path, site)
    assert found is not None
    assert "georeference-default" in [rule for rule, _ in found.remarks]


def test_zero_degrees_mean_not_set(tmp_path: Path) -> None:
    assert stated(tmp_path, "#9=IFCSITE('x',$,$,$,$,$,$,$,.ELEMENT.,(0,0,0),(0,0,0),0.,$,$);") is None


def test_true_north_turns_the_model(tmp_path: Path) -> None:
    found = stated(
        tmp_path,
        "#7=IFCDIRECTION((1.,0.));",
        "#8=IFCGEOMETRICREPRESENTATIONCONTEXT($,'Model',3,1.E-5,#6,#7);",
        "#9=IFCSITE('x',$,$,$,$,$,$,$,.ELEMENT.,(31,14,0),(121,30,0),0.,$,$);",
    )
    assert found is not None
    lon, lat = transformer(found.crs, "EPSG:4326").transform(*found.project([[100.0, 0.0, 0.0]])[0, :2])
    assert lon == pytest.approx(121.5, abs=1e-7)  # model x is true north here
    assert lat > 31.2333 + 0.0008


def test_contradicting_statements_are_told(tmp_path: Path) -> None:
    found = stated(
        tmp_path,
        "#10=IFCPROJECTEDCRS('EPSG:32651',$,$,$,$,$,#3);",
        "#11=IFCMAPCONVERSION(#9,#10,354000.,3457000.,4.5,1.,0.,$);",
        "#19=IFCSITE('x',$,$,$,$,$,$,$,.ELEMENT.,(39,54,57),(116,25,58),0.,$,$);",
    )
    assert found is not None
    assert found.method == "map-conversion"
    assert [rule for rule, _ in found.remarks] == ["georeference-contradiction"]


@pytest.mark.parametrize("broken", ["#11=IFCMAPCONVERSION(#9,#10,$,$", "#11=IFCMAPCONVERSION(#9,#99,1.,2.,3.);", "#("])
def test_broken_statements_are_no_statements(tmp_path: Path, broken: str) -> None:
    assert stated(tmp_path, "#10=IFCPROJECTEDCRS('EPSG:99999',$,$,$,$,$,#3);", broken) is None


def test_an_explicit_place_wins() -> None:
    frame = Georeference("EPSG:32651", 354_000.0, 3_457_000.0)
    file_says = Georeferenced("EPSG:32760", 729_000.0, 9_063_000.0, method="map-conversion")
    placing = placing_for("a.ifc", file_says, Placement(354_010.0, 3_457_020.0, 3.0), "", frame)
    assert np.allclose(placing.apply(np.zeros((1, 3))), [[10, 20, 3]])


def test_a_model_far_from_the_scene_is_refused_with_what_to_do() -> None:
    frame = Georeference("EPSG:32651", 354_000.0, 3_457_000.0)
    boston = Georeferenced("EPSG:32619", 330_000.0, 4_690_000.0, method="site")
    with pytest.raises(GeoreferenceError, match=r"--place a\.ifc=E,N,H,ANGLE"):
        placing_for("a.ifc", boston, None, "", frame)
    with pytest.raises(GeoreferenceError, match="does not say where"):
        placing_for("a.ifc", None, None, "", frame)


@given(
    st.floats(-1900, 1900),
    st.floats(-1900, 1900),
    st.floats(-math.pi, math.pi),
)
def test_a_model_in_another_system_lands_within_a_centimetre(x: float, y: float, angle: float) -> None:
    where = Georeferenced("EPSG:25832", 458_657.3, 5_438_232.25, 113.7, angle)
    frame = Georeference("EPSG:31467", 3_458_700.0, 5_439_900.0)
    points = np.array([[x, y, 0.0], [-x, -y, 1.0], [0.0, 0.0, 2.0]])
    exact = transformer("EPSG:25832", "EPSG:31467").transform(*where.project(points)[:, :2].T)
    local = Placing(where, frame).apply(points)
    assert np.abs(local[:, 0] + frame.easting_m - exact[0]).max() < 0.01
    assert np.abs(local[:, 1] + frame.northing_m - exact[1]).max() < 0.01
