"""Every way in which a file says where it lies, read from its text."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bim import georeference
from bim.hypotheses import read_statements
from bim.loader import BimLoader
from bim.placing import Placing
from bim.statement import Georeferenced
from bim.step import StepText
from scenes import Georeference, UnsupportedError
from scenes.georeference import transformer
from scenes.loading import LoadContext
from scenes.sources import Source

if TYPE_CHECKING:
    from pathlib import Path

    from bim.georeferencing import Report

METRE = "#3=IFCSIUNIT(*,.LENGTHUNIT.,$,.METRE.);"
MILLI = "#2=IFCSIUNIT(*,.LENGTHUNIT.,.MILLI.,.METRE.);"
FOOT = "#2=IFCCONVERSIONBASEDUNIT(#5,.LENGTHUNIT.,'FOOT',#6);#6=IFCMEASUREWITHUNIT(IFCRATIOMEASURE(0.3048),#3);"


def statements(folder: Path, *lines: str, unit: str = "#2") -> tuple[Georeferenced, ...]:
    path = folder / "model.ifc"
    path.write_text("\n".join([f"#1=IFCUNITASSIGNMENT(({unit}));", MILLI, METRE, *lines]))
    with StepText(path) as text:
        return read_statements(text).found


def stated(folder: Path, *lines: str, unit: str = "#2") -> Georeferenced | None:
    found = statements(folder, *lines, unit=unit)
    return found[0] if found else None


def report_on(folder: Path, *lines: str) -> Report:
    path = folder / "model.ifc"
    head = "ISO-10303-21;\nHEADER;FILE_SCHEMA(('IFC4'));ENDSEC;DATA;\n"
    body = "\n".join(["#1=IFCUNITASSIGNMENT((#2));", MILLI, METRE, "#8=IFCPROJECT('p',$,$,$,$,$,$,$,$);", *lines])
    path.write_text(f"{head}{body}\nENDSEC;\nEND-ISO-10303-21;\n")
    return georeference(path)


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


def test_the_site_has_a_place_in_its_utm_zone(tmp_path: Path) -> None:
    found = stated(tmp_path, "#9=IFCSITE('x',$,$,$,$,$,$,$,.ELEMENT.,(31,14,0,7),(121,30,0,0),4500.,$,$);")
    assert found is not None
    assert found.crs == "EPSG:32651"
    assert found.height_m == pytest.approx(4.5)
    assert found.method == "site"
    assert [rule for rule, _ in found.remarks] == ["georeference-north"]


def test_the_default_site_of_an_authoring_tool_is_flagged(tmp_path: Path) -> None:
    site = "#9=IFCSITE('x',$,$,$,$,$,$,$,.ELEMENT.,(42,21,31,181945),(-71,-3,-24,-263305),0.,$,$);"
    found = stated(tmp_path, site)
    assert found is not None
    assert (found.method, found.detail) == ("tool-default", "Boston, the default of Revit")


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


CONVERSION = (
    "#10=IFCPROJECTEDCRS('EPSG:32651',$,$,$,$,$,#3);",
    "#11=IFCMAPCONVERSION(#9,#10,354000.,3457000.,4.5,1.,0.,$);",
)


def test_contradicting_statements_are_told(tmp_path: Path) -> None:
    found = report_on(tmp_path, *CONVERSION, "#19=IFCSITE('x',$,$,$,$,$,$,$,.E.,(38,54,7),(115,25,58),0.,$,$);")
    assert found.best is not None
    assert found.best.method == "map-conversion"
    severity, sentence = found.verdict()
    assert severity == "warning"
    assert "the latitude and longitude of the site says" in sentence
    assert sum(each.confidence for each in found.hypotheses) < 1.0


def test_agreeing_statements_support_each_other(tmp_path: Path) -> None:
    lon, lat = transformer("EPSG:32651", "EPSG:4326").transform(354_000.0, 3_457_000.0)
    seconds = (lat - 31) * 3600, (lon - 121) * 3600
    minutes = [f"({whole},{int(part // 60)},{int(part % 60)},{int(part % 1 * 1e6)})" for whole, part in
               zip((31, 121), seconds, strict=True)]  # fmt: skip
    site = f"#19=IFCSITE('x',$,$,$,$,$,$,$,.E.,{minutes[0]},{minutes[1]},0.,$,$);"
    assert report_on(tmp_path, *CONVERSION, site).confidence > report_on(tmp_path, *CONVERSION).confidence > 0.8


def test_a_default_of_a_tool_does_not_make_a_placed_model_doubtful(tmp_path: Path) -> None:
    boston = "#19=IFCSITE('x',$,$,$,$,$,$,$,.E.,(42,21,31,181945),(-71,-3,-24,-263305),0.,$,$);"
    assert report_on(tmp_path, *CONVERSION, boston).verdict()[0] == "info"


def test_easting_and_northing_in_each_others_place_are_found_out(tmp_path: Path) -> None:
    turned = "#11=IFCMAPCONVERSION(#9,#10,3457000.,354000.,4.5,1.,0.,$);"
    found = stated(tmp_path, CONVERSION[0].replace("32651", "4549"), turned)
    assert place_of(found)[:2] == (354_000.0, 3_457_000.0)
    assert found is not None
    assert found.remarks[0][0] == "georeference-axes"


def test_the_mercator_of_web_maps_does_not_shrink_a_model(tmp_path: Path) -> None:
    web = "#10=IFCPROJECTEDCRS('EPSG:3857',$,$,$,$,$,#3);"
    found = stated(tmp_path, web, "#11=IFCMAPCONVERSION(#9,#10,13525000.,3662000.,0.,1.,0.,$);")
    assert found is not None
    assert found.crs == "EPSG:32651"
    here, ahead = transformer(found.crs, "EPSG:3857").transform(*found.project([[0, 0, 0], [100, 0, 0]])[:, :2].T)
    assert (here[0], ahead[0]) == pytest.approx((13_525_000.0, 3_662_000.0), abs=0.05)
    assert here[1] - here[0] == pytest.approx(117.0, abs=0.5)  # 100 m on the ground at 31 degrees north


def test_a_file_that_is_georeferenced_twice_has_both_readings(tmp_path: Path) -> None:
    points = [f"#{number}=IFCCARTESIANPOINT((354000000.,34570{number}000.,0.));" for number in range(30, 40)]
    found = report_on(tmp_path, *CONVERSION, *points).hypotheses
    assert [each.method for each in found] == ["placement", "map-conversion"]
    lon, lat = found[0].stated.lonlat() or (0.0, 0.0)
    assert (lon, lat) == pytest.approx(transformer("EPSG:32651", "EPSG:4326").transform(354_000, 3_457_034.5), abs=2e-4)


def test_a_large_model_in_a_grid_of_its_own_is_not_taken_for_projected_coordinates(tmp_path: Path) -> None:
    walls = [line for number in range(30, 40) for line in
             (f"#{number}=IFCCARTESIANPOINT((1600{number}000.,66{number}000.,0.));",
              f"#{number + 100}=IFCAXIS2PLACEMENT3D(#{number},$,$);",
              f"#{number + 200}=IFCLOCALPLACEMENT($,#{number + 100});",
              f"#{number + 300}=IFCWALL('{number}',$,$,$,$,#{number + 200},$,$);")]  # fmt: skip
    found = report_on(tmp_path, *CONVERSION, *walls)
    assert [each.method for each in found.hypotheses] == ["map-conversion"]
    assert found.verdict()[0] == "info"


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("#10=IFCPROJECTEDCRS('EPSG:1234',$,$,$,$,$,#3);", "georeference-crs"),
        ("#10=IFCPROJECTEDCRS('',$,$,$,$,$,#3);", "georeference-crs"),
        ("#10=IFCPROJECTEDCRS('32651',$,$,$,$,$,#3);", "georeference-crs"),
        ("#10=IFCPROJECTEDCRS('EPSG:32651',$,'EPSG:0000',$,$,$,#3);", "georeference-crs"),
        (
            "#10=IFCPROJECTEDCRS('EPSG:32651',$,$,$,$,$,#3);#12=IFCMAPCONVERSION(#9,#10,1.,2.,3.);",
            "georeference-contexts",
        ),
    ],
)
def test_faults_of_the_statements_themselves_are_found(tmp_path: Path, line: str, rule: str) -> None:
    assert rule in [found for found, _ in report_on(tmp_path, line, CONVERSION[1]).findings]


@pytest.mark.parametrize(
    "name", ["EPset_MapConversion", "ePset_MapConversion", "Pset_MapConversion", "ePSet_MapConversion"]
)
def test_the_property_set_has_many_spellings(tmp_path: Path, name: str) -> None:
    found = stated(
        tmp_path,
        f"#10=IFCPROPERTYSET('a',$,'{name}',$,(#11,#12));",
        "#11=IFCPROPERTYSINGLEVALUE('Eastings',$,IFCREAL(354000.),$);",
        "#12=IFCPROPERTYSINGLEVALUE('NORTHINGS',$,IFCREAL(3457000.),$);",
        f"#13=IFCPROPERTYSET('b',$,'{name.replace('MapConversion', 'ProjectedCRS')}',$,(#14,#15));",
        "#14=IFCPROPERTYSINGLEVALUE('Name',$,IFCLABEL('EPSG:32651'),$);",
        "#15=IFCPROPERTYSINGLEVALUE('MapUnit',$,IFCIDENTIFIER('METRE'),$);",
    )
    assert place_of(found)[:2] == (354_000.0, 3_457_000.0)


def test_heights_keep_their_vertical_datum(tmp_path: Path) -> None:
    compound = stated(tmp_path, CONVERSION[0].replace("EPSG:32651", "EPSG:7415"), CONVERSION[1].replace("3457", "447"))
    named = stated(tmp_path, "#10=IFCPROJECTEDCRS('EPSG:32651',$,$,'EPSG:5737',$,$,#3);", CONVERSION[1])
    assert compound is not None
    assert named is not None
    assert (compound.crs, compound.vertical, named.vertical) == ("EPSG:28992", "EPSG:5709", "EPSG:5737")


@pytest.mark.parametrize("broken", ["#11=IFCMAPCONVERSION(#9,#10,$,$", "#11=IFCMAPCONVERSION(#9,#99,1.,2.,3.);", "#("])
def test_broken_statements_are_no_statements(tmp_path: Path, broken: str) -> None:
    assert stated(tmp_path, "#10=IFCPROJECTEDCRS('EPSG:99999',$,$,$,$,$,#3);", broken) is None


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


@pytest.mark.parametrize("shift", ["gcj02", "bd09"])
def test_a_shift_of_the_map_datum_is_refused_for_a_model(tmp_path: Path, shift: str) -> None:
    frame = Georeference("EPSG:32651", 354_000.0, 3_457_000.0)
    source = Source(str(tmp_path / "tower.ifc"), datum_shift=shift)
    for ask in (lambda: BimLoader().locate(source), lambda: list(BimLoader().load(source, LoadContext(frame)))):
        with pytest.raises(UnsupportedError, match=f"no shift of {shift} is taken off; place it with"):
            ask()
