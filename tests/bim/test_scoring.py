"""A model finds its footprint, its height and its family, and what was never placed is not placed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bim import georeference
from bim.decision import located, placed
from bim.federation import Family, Member, belongs
from bim.georeferencing import judged, placement
from bim.hypotheses import Statements, against, read_statements
from bim.outline import Outline
from bim.placing import Placing
from bim.scoring import fitted
from bim.statement import Georeferenced
from bim.step import StepText
from bim.surroundings import Surroundings
from scenes import Batch, Georeference, GeoreferenceError, Layer, Scene
from scenes.georeference import transformer
from scenes.loading import LoadContext
from scenes.schema import object_table
from scenes.sources import Placement, Source

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from shapely.geometry.base import BaseGeometry

FRAME = Georeference("EPSG:32651", 354_000.0, 3_457_000.0)


def layer(name: str, shapes: Sequence[BaseGeometry], kind: str = "Building", z: float = 0.0) -> Layer:
    bounds = shapely.bounds(np.array(shapes))
    table = object_table(
        {
            "uid": [f"urn:uuid:{name}-{row}" for row in range(len(shapes))],
            "kind": [kind] * len(shapes),
            **dict(zip(("min_x", "min_y", "max_x", "max_y"), bounds.T, strict=True)),
            "min_z": [z] * len(shapes),
            "max_z": [z + 10.0] * len(shapes),
            "footprint": list(shapely.to_wkb(np.array(shapes))),
        }
    )
    return Layer(name, (Batch(table),), theme=name)


def turned(shape: BaseGeometry, angle_rad: float) -> BaseGeometry:
    cos, sin = math.cos(angle_rad), math.sin(angle_rad)
    return shapely.transform(shape, lambda points: points @ np.array([[cos, sin], [-sin, cos]]))


def city(angle_rad: float = 0.0) -> tuple[tuple[Layer, Batch], ...]:
    """A grid of houses of 30 m by 20 m every 80 m."""
    spots = [(x, y) for x in range(-400, 401, 80) for y in range(-400, 401, 80)]
    houses = [shapely.transform(turned(HOUSE, angle_rad), lambda p, at=at: p + np.array(at)) for at in spots]
    found = layer("buildings", houses)
    return tuple((found, batch) for batch in found.batches)


HOUSE = shapely.box(0, 0, 30, 20)
OUTLINE = Outline(np.array([[x, y, z] for x in (0, 15, 30) for y in (0, 10, 20) for z in (0, 3)], dtype=float))


def at(x: float, y: float, angle_rad: float = 0.0, z: float = 0.0, method: str = "map-conversion") -> Georeferenced:
    return Georeferenced("EPSG:32651", 354_000.0 + x, 3_457_000.0 + y, z, angle_rad, method=method)


@settings(max_examples=25)
@given(st.integers(-5, 5), st.integers(-5, 5), st.floats(-1.5, 1.5), st.floats(-25, 25), st.floats(-25, 25))
def test_no_other_place_fits_better_than_the_footprint_that_is_filled(
    column: int, row: int, angle: float, dx: float, dy: float
) -> None:
    place = Surroundings(FRAME, city(angle))
    right = fitted(at(column * 80, row * 80, angle), OUTLINE, place)
    other = fitted(at(column * 80 + dx, row * 80 + dy, angle + 0.4), OUTLINE, place)
    assert right.odds >= other.odds
    assert any("footprint" in reason for reason in right.reasons)


def test_water_height_and_distance_speak_against_a_place() -> None:
    water = layer("water", [shapely.box(600, -50, 900, 50)], "WaterBody")
    place = Surroundings(FRAME, (*city(), (water, water.batches[0])))
    free, wet = fitted(at(45, 40), OUTLINE, place), fitted(at(700, 0), OUTLINE, place)
    high, far = fitted(at(0, 0, z=60.0), OUTLINE, place), fitted(at(30_000, 0), OUTLINE, place)
    assert "it stands on water" in wet.reasons
    assert wet.odds < free.odds
    assert high.odds < fitted(at(0, 0), OUTLINE, place).odds
    assert far.odds < 0.2
    assert "it lies 29 km outside the scene" in far.reasons
    assert "it stands on water" not in fitted(at(700, 0), OUTLINE, place, infrastructure=True).reasons


def scale_between(crs: str, other: str, where: Georeferenced) -> float:
    """Return metres of the other system for a metre of the first near a model, from their scale factors by pyproj."""
    east, north, _ = where.project([where.centre_m])[0]
    lon, lat = pyproj.Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform(east, north)
    first, second = (pyproj.Proj(name).get_factors(lon, lat).meridional_scale for name in (crs, other))
    return float(second / first)


@given(x=st.floats(-2000, 2000), y=st.floats(-2000, 2000), angle=st.floats(-3.1, 3.1), far=st.booleans())
@example(x=1802.0, y=0.0, angle=-1.375, far=False)
def test_the_override_puts_a_model_where_the_hypothesis_says(x: float, y: float, angle: float, far: bool) -> None:
    centre = (354_100.0, 3_457_100.0, 3.0) if far else (10.0, 20.0, 0.0)
    stated = Georeferenced("EPSG:4549", *((0.0, 0.0) if far else (640_000.0 + x, 3_456_000.0 + y)), 4.0, angle)
    if far:
        stated = Georeferenced("EPSG:4549", 286_000.0, -900.0, 4.0, 0.0, centre_m=centre)
    numbers = placement(stated, FRAME)
    by_hand = Georeferenced(
        FRAME.crs, numbers.easting_m, numbers.northing_m, numbers.height_m, math.radians(numbers.angle_deg)
    )
    points = np.array(centre) + np.array([[0, 0, 0], [30, 0, 0], [0, 30, 3]])
    there, here = Placing(stated, FRAME).apply(points), Placing(by_hand, FRAME).apply(points)
    # A placement turns and moves, and carries no scale: what the projections differ in there is all that may be left.
    scale = np.linalg.norm(there[1] - there[0]) / 30.0
    reach = np.linalg.norm(points - (np.array(centre) if far else 0.0), axis=1)
    assert abs(scale - scale_between("EPSG:4549", FRAME.crs, stated)) < 1e-6
    assert (np.linalg.norm(there - here, axis=1) <= reach * abs(scale - 1.0) + 0.001).all()


def write(path: Path, *lines: str, project: str = "p", site: str = "s", place: str = "$,$") -> Source:
    head = "ISO-10303-21;\nHEADER;FILE_SCHEMA(('IFC4'));ENDSEC;DATA;\n#3=IFCSIUNIT(*,.LENGTHUNIT.,$,.METRE.);"
    own = [
        "#1=IFCUNITASSIGNMENT((#3));",
        f"#4=IFCPROJECT('{project}',$,$,$,$,$,$,$,$);",
        f"#5=IFCSITE('{site}',$,$,$,$,$,$,$,.E.,{place},0.,$,$);",
    ]
    path.write_text("\n".join([head, *own, *lines, "ENDSEC;\nEND-ISO-10303-21;\n"]))
    return Source(str(path))


def conversion(crs: str, east: float, north: float) -> tuple[str, str]:
    return f"#10=IFCPROJECTEDCRS('{crs}',$,$,$,$,$,#3);", f"#11=IFCMAPCONVERSION(#9,#10,{east},{north},0.,1.,0.,$);"


BERLIN = "(52,31,0),(13,24,0)"
LUJIAZUI = "(31,14,24,123456),(121,30,2,654321)"


def test_a_default_gives_way_to_the_place_of_the_same_project(tmp_path: Path) -> None:
    right = write(tmp_path / "a.ifc", place=LUJIAZUI)
    wrong = write(tmp_path / "b.ifc", place=BERLIN)
    place = Surroundings(FRAME, city())
    both = [right, wrong]
    first, second = (judged(source, both, place) for source in both)
    assert first.best is not None
    assert second.best is not None
    assert first.best.origin == second.best.origin
    assert second.verdict()[0] == "warning"
    assert "as a.ifc says" in second.verdict()[1]


def test_a_default_alone_is_left_out_of_a_city_with_one_sentence(tmp_path: Path) -> None:
    wrong = write(tmp_path / "b.ifc", place=BERLIN)
    context = LoadContext(FRAME, loaded=city())
    with pytest.raises(GeoreferenceError, match=r"Berlin.*outside the scene.*--place b\.ifc=E,N,H,ANGLE"):
        placed(wrong, context)
    assert context.facts["georeference"]["severity"] == "error"


def test_a_lone_model_stays_where_its_site_says_and_is_not_trusted(tmp_path: Path) -> None:
    lone = write(tmp_path / "b.ifc", place=BERLIN)
    found = located(lone)
    assert found is not None
    assert found.trust < 0.1
    assert (found.longitude_deg, found.latitude_deg) == pytest.approx((13.4, 52.5167), abs=1e-3)
    context = LoadContext(Georeference.around(13.4, 52.5))
    placed(lone, context)
    assert [(each.severity, each.rule) for each in context.problems.listed()] == [("error", "georeference-choice")]


def test_files_of_one_project_with_their_own_places_stay_apart(tmp_path: Path) -> None:
    one = write(tmp_path / "a.ifc", *conversion("EPSG:32651", 354_000, 3_457_000))
    two = write(tmp_path / "b.ifc", *conversion("EPSG:32651", 354_032, 3_457_000))
    place = Surroundings(FRAME, city())
    found = [judged(source, [one, two], place).best for source in (one, two)]
    assert [each.origin[0] for each in found if each is not None] == [354_000.0, 354_032.0]


def test_trades_with_nearly_the_same_site_get_one_origin(tmp_path: Path) -> None:
    house = write(tmp_path / "arch.ifc", project="p1", site="s1", place=LUJIAZUI)
    pipes = write(tmp_path / "mep.ifc", project="p2", site="s2", place=LUJIAZUI.replace("123456", "127456"))
    origins = {judged(source, [pipes, house], Surroundings()).hypotheses[0].origin for source in (house, pipes)}
    assert len(origins) == 1


def test_what_the_user_places_takes_its_siblings_along(tmp_path: Path) -> None:
    house = write(tmp_path / "arch.ifc", place=LUJIAZUI)
    pipes = write(tmp_path / "mep.ifc", place=LUJIAZUI)
    by_hand = Source(house.path, place=Placement(354_100.0, 3_457_100.0, 3.0, 30.0))
    found = judged(pipes, [by_hand, pipes], Surroundings(FRAME, city())).best
    assert found is not None
    assert found.origin == (354_100.0, 3_457_100.0, 3.0)


def test_equal_ids_of_a_template_are_no_family_without_an_equal_place() -> None:
    said = [
        Statements((at(0, 0, method="tool-default"),), project="p", site="s"),
        Statements((at(9_000, 0, method="site"),), project="p", site="s"),
        Statements((at(0, 9_000, method="site"),), project="p", site="s"),
    ]
    assert belongs(said[0], said[1])
    assert not belongs(said[1], said[2])
    assert not belongs(said[0], Statements((), project="q"))


def shifted_outline(x: float, y: float) -> Outline:
    return Outline(OUTLINE.points_m + np.array([x, y, 0.0]))


@pytest.mark.parametrize(
    ("ids", "mine", "yours", "joined"),
    [
        (("p", "s"), (0, 0), (5, 0), True),  # the same project from another export, with another site
        (("q", "s2"), (0, 0), (5, 0), False),  # about zero everything overlaps
        (("q", "s2"), (900, 4_000), (905, 4_000), True),  # a grid of their own
        (("q", "s2"), (900, 4_000), (925, 4_000), False),  # which they hardly share
        (("p", "s"), (0, 0), (31, 0), False),
    ],
)
def test_a_model_that_nobody_placed_joins_one_by_its_coordinates(
    ids: tuple[str, str], mine: tuple[float, float], yours: tuple[float, float], joined: bool
) -> None:
    placed_one = Statements((at(0, 0),), project="p", site="s2", outline=shifted_outline(*mine))
    lost = Statements((), project=ids[0], site=ids[1] + "-other", outline=shifted_outline(*yours))
    assert belongs(placed_one, lost) is joined
    assert belongs(lost, placed_one) is joined
    never = Statements((at(9e6, 0, method="tool-default"),), project=ids[0], outline=shifted_outline(*yours))
    assert belongs(placed_one, never) is joined
    elsewhere = Statements((at(9_000, 0),), project=ids[0], outline=shifted_outline(*yours))
    assert not belongs(placed_one, elsewhere)
    assert not belongs(Statements(project="p", outline=shifted_outline(*mine)), lost)


ZONES = {
    "EPSG:32651": (121.5, 31.23),
    "EPSG:4549": (120.3, 31.3),
    "EPSG:4508": (111.2, 30.7),
    "EPSG:28992": (4.36, 52.0),
    "EPSG:2056": (8.54, 47.37),
    "EPSG:3879": (24.94, 60.17),
}


@pytest.mark.parametrize("crs", ZONES)
def test_coordinates_without_a_system_are_read_in_the_one_that_fits_the_city(crs: str) -> None:
    lon, lat = ZONES[crs]
    frame = Georeference.around(lon, lat)
    corner = transformer("EPSG:4326", crs).transform(lon, lat)
    ahead = transformer("EPSG:4326", crs).transform(lon + 1e-3, lat)
    turn = math.atan2(ahead[1] - corner[1], ahead[0] - corner[0])
    here, east = frame.from_lonlat(lon, lat), frame.from_lonlat(lon + 1e-3, lat)
    angle = math.atan2(east[1] - here[1], east[0] - here[0]) - turn
    house = shapely.transform(turned(HOUSE, angle), lambda points: points + np.array([here[0], here[1]]).ravel())
    found = layer("buildings", [house, shapely.transform(house, lambda points: points + np.array([300.0, 0.0]))])
    points = OUTLINE.points_m + np.array([*corner, 0.0])
    said = Statements(outline=Outline(points), project="p")
    place = Surroundings(frame, tuple((found, batch) for batch in found.batches))
    guesses = against(said, place)
    member = Member(Source("model.ifc"), said)
    assert crs in [each.crs for each in guesses] or _same_place_as(crs, guesses, points)
    best = max(guesses, key=lambda each: fitted(each, Outline(points), place).odds)
    local = Placing(best, frame).apply(points[:1])[0]
    assert np.hypot(local[0] - here[0], local[1] - here[1]) < 3.0
    assert Family((member,)).outline.centre_m[0] == pytest.approx(corner[0] + 15.0)


def _same_place_as(crs: str, guesses: Sequence[Georeferenced], points: np.ndarray) -> bool:
    lon, lat = transformer(crs, "EPSG:4326").transform(*points[:, :2].mean(axis=0))
    return any(each.lonlat() == pytest.approx((lon, lat), abs=5e-5) for each in guesses)


def test_placements_are_followed_to_the_world(tmp_path: Path) -> None:
    path = tmp_path / "model.ifc"
    path.write_text(
        "#1=IFCCARTESIANPOINT((100.,0.,0.));#2=IFCDIRECTION((0.,0.,1.));#3=IFCDIRECTION((0.,1.,0.));"
        "#4=IFCAXIS2PLACEMENT3D(#1,#2,#3);#5=IFCLOCALPLACEMENT($,#4);#6=IFCLOCALPLACEMENT(#5,#4);"
        "#7=IFCCARTESIANPOINT((0.,0.));#8=IFCCARTESIANPOINT((5.,0.));#9=IFCPOLYLINE((#7,#8));"
        "#10=IFCSHAPEREPRESENTATION($,'Axis','Curve2D',(#9));#11=IFCPRODUCTDEFINITIONSHAPE($,$,(#10));"
        "#12=IFCWALL('w',$,$,$,$,#6,#11,$);#13=IFCLOCALPLACEMENT(#13,#4);#14=IFCSLAB('s',$,$,$,$,#13,$,$);"
    )
    with StepText(path) as text:
        points = read_statements(text).outline.points_m
    assert np.round(points, 6).tolist() == [[100.0, 100.0, 0.0], [95.0, 100.0, 0.0]]


@pytest.mark.real_data
def test_one_house_with_two_georeferences_is_never_put_into_berlin(real_data: Path) -> None:
    files = [real_data / "ifc/building/AC20-FZK-Haus.ifc", real_data / "ifc/building/AC11-FZK-Haus-IFC.ifc"]
    sources = [Source(str(file)) for file in files]
    frame = Georeference("EPSG:25832", 458_900.0, 5_438_400.0)
    place = Surroundings(frame, city())
    together = [judged(source, sources, place) for source in sources]
    assert len({report.hypotheses[0].origin for report in together}) == 1
    assert together[1].verdict()[0] == "warning"
    alone = judged(sources[1], sources[1:], place)
    assert alone.is_outside
    assert georeference(files[1]).verdict()[0] == "error"


@pytest.mark.real_data
def test_one_object_in_two_systems_coincides(real_data: Path) -> None:
    names = ("geographic-referencing-utm.ifc", "geographic-referencing-gk.ifc")
    frame = Georeference("EPSG:25832", 458_900.0, 5_438_400.0)
    reports = [georeference(real_data / "ifc/georeferenced" / name) for name in names]
    places = [Placing(report.hypotheses[0].stated, frame).apply([[0.0, 0.0, 0.0]])[0] for report in reports]
    assert [report.verdict()[0] for report in reports] == ["info", "info"]
    assert np.linalg.norm(places[0] - places[1]) < 2.0


@pytest.mark.real_data
def test_a_bridge_and_a_house_of_one_project_stand_side_by_side(real_data: Path) -> None:
    names = ("infra-bridge.ifc", "building-architecture.ifc")
    sources = [Source(str(real_data / "ifc/georeferenced" / name)) for name in names]
    first, second = (judged(source, sources, Surroundings()).hypotheses[0].origin for source in sources)
    assert math.hypot(first[0] - second[0], first[1] - second[1]) == pytest.approx(32.1, abs=0.1)


@pytest.mark.real_data
def test_the_duplex_copies_share_a_frame_and_the_contradiction_is_told(real_data: Path) -> None:
    names = (
        "building/Ifc2x3_Duplex_Architecture.ifc",
        "building/Ifc2s3_Duplex_Electrical.ifc",
        "georeferenced/Duplex_A_20110907_georeferenced.ifc",
    )
    sources = [Source(str(real_data / "ifc" / name)) for name in names]
    reports = [judged(source, sources, Surroundings()) for source in sources]
    assert len({report.hypotheses[0].origin for report in reports}) == 1
    assert {report.verdict()[0] for report in reports} == {"warning"}
    alone = georeference(sources[2].file)
    assert [each.method for each in alone.hypotheses] == ["property-set", "site"]
    assert "km away" in alone.verdict()[1]


@pytest.mark.real_data
def test_projected_coordinates_inside_the_geometry_find_their_city(real_data: Path) -> None:
    report = georeference(real_data / "ifc/infra_ifc4x3_add2/linear-placement-of-signal.ifc")
    assert report.best is not None
    assert report.best.stated.lonlat() == pytest.approx((14.44, 41.0), abs=0.1)


@pytest.mark.real_data
def test_every_failing_file_of_buildingsmart_gets_a_finding(real_data: Path) -> None:
    for path in sorted((real_data / "malformed/ifc_gherkin_fail").glob("fail-grf00*.ifc")):
        report = georeference(path)
        severity, _ = report.verdict()
        assert report.findings or severity != "info", path.name


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "town"),
    [
        ("building/TallBuilding.ifc", "Boston"),
        ("georeferenced/grid-placement.ifc", "Abu Dhabi"),
        ("text_encoding/ac16_sjis.ifc", "Tokyo"),
        ("federated_schependomlaan/ROOT-staal.ifczip", "Amersfoort"),
    ],
)
def test_defaults_of_authoring_tools_are_known(real_data: Path, name: str, town: str) -> None:
    severity, sentence = georeference(real_data / "ifc" / name).verdict()
    assert severity == "error"
    assert town in sentence


def test_a_scene_without_a_model_keeps_its_layers_apart() -> None:
    models = layer("bim", [HOUSE])
    scene = Scene(FRAME, {"bim": models, "buildings": city()[0][0]})
    assert [kept.name for kept, _ in Surroundings.of_scene(scene).loaded] == ["buildings"]
    assert Surroundings.of_scene(None).bounds is None
