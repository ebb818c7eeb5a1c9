"""Terrain in CityGML: triangles, control points, grids of heights, break lines, mass points, lines of intersection."""

from __future__ import annotations

import numpy as np
import pytest

from scenes.problems import Problems
from tests.gis.citymodels import X, Y, building, citygml, points, polygon, read, ring, square, surfaces


def test_relief_has_triangles_break_lines_and_mass_points(save) -> None:
    triangle = f"<gml:Triangle><gml:exterior>{ring(square(1, 4))}</gml:exterior></gml:Triangle>"
    line = f"<gml:LineString><gml:posList>{points((0, 0, 1), (3, 4, 1), (3, 4, 9))}</gml:posList></gml:LineString>"
    many = "".join(f"<gml:Point><gml:pos>{points((n, n, n))}</gml:pos></gml:Point>" for n in range(3))
    relief = (
        '<dem:ReliefFeature gml:id="r"><dem:lod>2</dem:lod><dem:reliefComponent><dem:TINRelief gml:id="tin">'
        "<dem:lod>2</dem:lod><dem:tin><gml:TriangulatedSurface><gml:trianglePatches>"
        f"{triangle}</gml:trianglePatches></gml:TriangulatedSurface></dem:tin></dem:TINRelief></dem:reliefComponent>"
        '<dem:reliefComponent><dem:BreaklineRelief gml:id="lines"><dem:lod>2</dem:lod><dem:breaklines>'
        f"<gml:MultiCurve><gml:curveMember>{line}</gml:curveMember></gml:MultiCurve></dem:breaklines>"
        '</dem:BreaklineRelief></dem:reliefComponent><dem:reliefComponent><dem:MassPointRelief gml:id="mass">'
        f"<dem:lod>2</dem:lod><dem:reliefPoints><gml:MultiPoint><gml:pointMembers>{many}</gml:pointMembers>"
        "</gml:MultiPoint></dem:reliefPoints></dem:MassPointRelief></dem:reliefComponent></dem:ReliefFeature>"
    )
    scene = read(save(citygml(relief)))
    mesh = scene.layers["terrain"].batches[0].meshes["2"]
    assert mesh.area_m2() == pytest.approx(16)
    assert mesh.lines is not None
    steps = mesh.positions_m[mesh.lines]
    assert np.linalg.norm(steps[:, 1] - steps[:, 0], axis=1).tolist() == pytest.approx([5, 8])
    assert mesh.points is not None
    assert sorted(mesh.positions_m[mesh.points][:, 2]) == pytest.approx([0, 1, 2])
    assert scene.resolve("gml:id:tin").parent == scene.resolve("gml:id:r").uid


SQUARE = f"<bldg:lod1MultiSurface>{surfaces(polygon(square()))}</bldg:lod1MultiSurface>"


def terrain(kind: str, inner: str) -> str:
    return f'<dem:{kind} gml:id="t"><dem:lod>1</dem:lod>{inner}</dem:{kind}>'


@pytest.mark.parametrize(("longest", "area"), [(0, 200), (21, 100)])
def test_a_tin_of_control_points_is_triangulated(save, longest, area) -> None:
    corners = points((0, 0, 0), (10, 0, 0), (10, 10, 10), (0, 10, 10), (30, 5, 5))
    limit = f'<gml:maxLength uom="m">{longest}</gml:maxLength>' if longest else ""
    tin = f"<gml:Tin><gml:trianglePatches/><gml:stopLines/><gml:breakLines/>{limit}<gml:controlPoint><gml:posList>"
    tin += f"{corners}</gml:posList></gml:controlPoint></gml:Tin>"
    mesh = read(save(citygml(terrain("TINRelief", f"<dem:tin>{tin}</dem:tin>")))).resolve("gml:id:t").mesh("1")
    assert mesh is not None
    corner = mesh.positions_m[mesh.triangles]
    normals = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])
    assert (normals[:, 2] > 0).all()
    assert normals[:, 2].sum() / 2 == pytest.approx(area)


@pytest.mark.parametrize("step", [5, -5])
def test_a_grid_of_heights_is_a_surface_with_holes_where_nothing_is_known(save, step) -> None:
    heights = "1 2 3 4 5 6 7 8 -9999"
    grid = (
        '<gml:RectifiedGridCoverage gml:id="g"><gml:domainSet><gml:RectifiedGrid dimension="2"><gml:limits>'
        "<gml:GridEnvelope><gml:low>0 0</gml:low><gml:high>2 2</gml:high></gml:GridEnvelope></gml:limits>"
        f"<gml:origin><gml:Point><gml:pos>{X} {Y}</gml:pos></gml:Point></gml:origin>"
        f"<gml:offsetVector>10 0</gml:offsetVector><gml:offsetVector>0 {step}</gml:offsetVector>"
        "</gml:RectifiedGrid></gml:domainSet><gml:rangeSet><gml:DataBlock><gml:tupleList>"
        f"{heights}</gml:tupleList></gml:DataBlock></gml:rangeSet></gml:RectifiedGridCoverage>"
    )
    document = citygml(terrain("RasterRelief", f"<dem:grid>{grid}</dem:grid>"), building(SQUARE))
    scene = read(save(document))
    mesh = scene.resolve("gml:id:t").mesh("1")
    assert mesh is not None
    corner = mesh.positions_m[mesh.triangles]
    normals = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])
    assert (normals[:, 2] > 0).all()
    assert normals[:, 2].sum() / 2 == pytest.approx(3 * 50)
    assert (mesh.positions_m[:, 2].min(), mesh.positions_m[:, 2].max()) == pytest.approx((1, 8))
    problems = Problems()
    broken = document.replace(heights, "1 2 3"), document.replace("<gml:high>2 2", "<gml:high>2")
    for text in broken:
        read(save(text), problems=problems)
    assert problems.count("geometry-broken") == 2


def test_lines_of_intersection_with_the_terrain_are_kept_as_text(save) -> None:
    line = f"<gml:LineString><gml:posList>{points((0, 0, 1), (3, 4, 1.5))}</gml:posList></gml:LineString>"
    curve = f"<gml:MultiCurve><gml:curveMember>{line}</gml:curveMember></gml:MultiCurve>"
    house = read(
        save(citygml(building(SQUARE + f"<bldg:lod1TerrainIntersection>{curve}</bldg:lod1TerrainIntersection>")))
    )
    found = house.resolve("gml:id:B").properties["terrain_intersection"]
    assert found == {"lod1": f"MULTILINESTRING Z (({X:.0f} {Y:.0f} 1, {X + 3:.0f} {Y + 4:.0f} 1.5))"}
    mesh = house.resolve("gml:id:B").mesh()
    assert mesh is not None
    assert mesh.lines is None
