"""Images of surface styles are laid on the triangles as the model says, and nothing outside its folder is opened."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ifcopenshell
import ifcopenshell.api.feature
import ifcopenshell.api.geometry
import ifcopenshell.api.root
import ifcopenshell.api.spatial
import ifcopenshell.guid
import numpy as np
import pytest

import bim
from bim.draping import Faces
from bim.pictures import Home
from tests.bim.panels import BLUE, BROWN, GREEN, RED, WHITE, Panel, bits, mesh_of, near, quarters, seen

if TYPE_CHECKING:
    from collections.abc import Callable

    from scenes import Scene

SAMPLES = Path("infra_ifc4x3_add2")


def quarter_colours(scene: Scene) -> list[bool]:
    """Say whether the four quarters of the panel are seen as they are in the image."""
    mesh = mesh_of(scene)
    spots = (((1.0, 0.0, 1.5), RED), ((3.0, 0.0, 1.5), GREEN), ((1.0, 0.0, 0.5), BLUE), ((3.0, 0.0, 0.5), WHITE))
    return [near(seen(mesh, spot), colour) for spot, colour in spots]


def test_a_mapped_image_is_seen_where_the_map_puts_it(new_house: Callable[..., Any], tmp_path: Path) -> None:
    panel = Panel(new_house("IFC4"))
    panel.map(panel.texture())
    assert all(quarter_colours(panel.read(tmp_path)))


def test_triangles_may_name_places_of_their_own(new_house: Callable[..., Any], tmp_path: Path) -> None:
    panel = Panel(new_house("IFC4"))
    panel.map(panel.texture(), ((3, 4, 1), (3, 1, 2)))  # half a turn
    mesh = mesh_of(panel.read(tmp_path))
    assert near(seen(mesh, (1.0, 0.0, 1.5)), WHITE)
    assert near(seen(mesh, (3.0, 0.0, 0.5)), RED)


def test_a_map_without_indices_follows_the_faces(new_house: Callable[..., Any], tmp_path: Path) -> None:
    panel = Panel(new_house("IFC4"))
    panel.map(panel.texture(), None)
    assert all(quarter_colours(panel.read(tmp_path)))


def test_pixels_start_at_the_lower_left(new_house: Callable[..., Any], tmp_path: Path) -> None:
    panel = Panel(new_house("IFC4"))
    texts = [bits(bytes(colour)) for colour in (BLUE, WHITE, RED, GREEN)]
    panel.map(panel.texture("IfcPixelTexture", Width=2, Height=2, ColourComponents=3, Pixel=texts))
    assert all(quarter_colours(panel.read(tmp_path)))


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_pixels_may_be_grey_or_have_opacity(new_house: Callable[..., Any], tmp_path: Path, depth: int) -> None:
    panel = Panel(new_house("IFC4"))
    pixel = bytes([120, 120, 120, 255][: depth if depth != 2 else 1] + ([255] if depth == 2 else []))
    panel.map(panel.texture("IfcPixelTexture", Width=1, Height=1, ColourComponents=depth, Pixel=[bits(pixel)]))
    assert near(seen(mesh_of(panel.read(tmp_path)), (1.0, 0.0, 1.0)), (120, 120, 120))


def test_a_polygonal_face_set_may_have_a_map(new_house: Callable[..., Any], tmp_path: Path) -> None:
    panel = Panel(new_house("IFC4X3"), polygonal=True)
    create = panel.model.create_entity
    indices = create("IfcTextureCoordinateIndices", (1, 2, 3, 4), panel.face)
    vertices = create("IfcTextureVertexList", Panel.PLACES)
    create("IfcIndexedPolygonalTextureMap", [panel.texture()], panel.item, vertices, [indices])
    assert all(quarter_colours(panel.read(tmp_path)))


def test_a_face_of_a_shell_may_have_a_map(new_house: Callable[..., Any], tmp_path: Path) -> None:
    panel = Panel(new_house("IFC4"))
    create = panel.model.create_entity
    loop = create("IfcPolyLoop", [create("IfcCartesianPoint", point) for point in Panel.POINTS])
    face = create("IfcFace", [create("IfcFaceOuterBound", loop, True)])
    panel.item = create("IfcFaceBasedSurfaceModel", [create("IfcConnectedFaceSet", [face])])
    panel.put(panel.item)
    vertices = [create("IfcTextureVertex", place) for place in Panel.PLACES]
    create("IfcTextureMap", [panel.texture()], vertices, face)
    assert all(quarter_colours(panel.read(tmp_path)))


def test_a_texture_may_be_turned_moved_and_stretched(new_house: Callable[..., Any], tmp_path: Path) -> None:
    panel = Panel(new_house("IFC4"))
    create = panel.model.create_entity
    half = create("IfcCartesianTransformationOperator2D", None, None, create("IfcCartesianPoint", (0.0, 0.5)), 0.5)
    panel.map(panel.texture(TextureTransform=half))  # only the upper left quarter is left
    mesh = mesh_of(panel.read(tmp_path))
    assert all(near(seen(mesh, (x, 0.0, z)), RED) for x in (0.5, 3.5) for z in (0.2, 1.8))


def test_an_image_that_does_not_repeat_ends_with_its_edge(new_house: Callable[..., Any], tmp_path: Path) -> None:
    places = {}
    for repeats in (True, False):
        panel = Panel(new_house("IFC4"))
        panel.map(panel.texture(RepeatS=repeats, RepeatT=repeats), places=[(2 * u, 2 * v) for u, v in Panel.PLACES])
        mesh = mesh_of(panel.read(tmp_path))
        assert mesh.uvs is not None
        places[repeats] = mesh.uvs.max() - mesh.uvs.min()
    assert places == {True: 3.0, False: 1.0}


def test_an_image_without_a_map_stands_upright_and_counts_metres(new_house: Callable[..., Any], tmp_path: Path) -> None:
    panel = Panel(new_house("IFC4"))
    panel.texture()
    mesh = mesh_of(panel.read(tmp_path))
    assert near(seen(mesh, (0.25, 0.0, 0.75)), RED)
    assert near(seen(mesh, (2.75, 0.0, 1.75)), GREEN)
    assert near(seen(mesh, (3.25, 0.0, 0.25)), BLUE)


def test_a_rule_counts_in_the_unit_of_the_file(new_house: Callable[..., Any], tmp_path: Path) -> None:
    panel = Panel(new_house("IFC4", millimetres=True))
    panel.item.Coordinates.CoordList = [[1000 * value for value in point] for point in Panel.POINTS]
    create = panel.model.create_entity
    thousandth = create(
        "IfcCartesianTransformationOperator2D", None, None, create("IfcCartesianPoint", (0.0, 0.0)), 5e-4
    )
    create("IfcTextureCoordinateGenerator", [panel.texture(TextureTransform=thousandth)], "COORD", None)
    mesh = mesh_of(panel.read(tmp_path))
    assert near(seen(mesh, (0.5, 0.0, 1.5)), RED)
    assert near(seen(mesh, (3.5, 0.0, 0.5)), WHITE)


def test_where_an_opening_cuts_the_image_goes_on(new_house: Callable[..., Any], tmp_path: Path) -> None:
    house = new_house("IFC4")
    panel = Panel(house)
    create = panel.model.create_entity
    front, back = [(x, 0.0, z) for x, _, z in Panel.POINTS], [(x, 0.4, z) for x, _, z in Panel.POINTS]
    sides = (
        (1, 2, 3),
        (1, 3, 4),
        (6, 5, 8),
        (6, 8, 7),
        (5, 6, 2),
        (5, 2, 1),
        (4, 3, 7),
        (4, 7, 8),
        (2, 6, 7),
        (2, 7, 3),
        (5, 1, 4),
        (5, 4, 8),
    )
    panel.item.Coordinates = create("IfcCartesianPointList3D", [*front, *back])
    panel.item.CoordIndex, panel.item.Closed = sides, True
    panel.map(panel.texture(), ((1, 2, 3), (1, 3, 4), *[(1, 1, 1)] * 10))
    hole = ifcopenshell.api.root.create_entity(panel.model, ifc_class="IfcOpeningElement", name="Hole")
    shape = ifcopenshell.api.geometry.add_wall_representation(
        panel.model, context=house.body, length=1.0, height=1.0, thickness=2.0
    )
    ifcopenshell.api.geometry.assign_representation(panel.model, product=hole, representation=shape)
    ifcopenshell.api.geometry.edit_object_placement(
        panel.model, product=hole, matrix=np.array([[1, 0, 0, 1.6], [0, 1, 0, -1.0], [0, 0, 1, 0.5], [0, 0, 0, 1.0]])
    )
    ifcopenshell.api.feature.add_feature(panel.model, feature=hole, element=panel.product)
    scene = panel.read(tmp_path)
    mesh = mesh_of(scene)
    with pytest.raises(AssertionError):
        seen(mesh, (2.0, 0.0, 1.0))
    assert all(quarter_colours(scene))


def test_a_mapped_item_carries_the_image_with_it(new_house: Callable[..., Any], tmp_path: Path) -> None:
    panel = Panel(new_house("IFC4"))
    create = panel.model.create_entity
    origin = create("IfcAxis2Placement3D", create("IfcCartesianPoint", (0.0, 0.0, 0.0)))
    source = create("IfcRepresentationMap", origin, panel.product.Representation.Representations[0])
    moved = create("IfcCartesianTransformationOperator3D", LocalOrigin=create("IfcCartesianPoint", (10.0, 5.0, 1.0)))
    panel.map(panel.texture())
    panel.put(create("IfcMappedItem", source, moved))
    mesh = mesh_of(panel.read(tmp_path))
    assert near(seen(mesh, (11.0, 5.0, 2.5)), RED)
    assert near(seen(mesh, (13.0, 5.0, 1.5)), WHITE)


def test_bumps_and_gloss_are_no_colour(new_house: Callable[..., Any], tmp_path: Path) -> None:
    panel = Panel(new_house("IFC4"))
    panel.map(panel.texture(Mode="NORMAL"))
    mesh = mesh_of(panel.read(tmp_path))
    assert not mesh.has_images
    assert near(seen(mesh, (1.0, 0.0, 1.5)), BROWN)


@pytest.mark.parametrize("address", ["wall.png", "./wall.png", "C:\\Textures\\wall.png", "file:///home/me/wall.png"])
def test_an_image_file_is_found_beside_the_model(new_house: Callable[..., Any], tmp_path: Path, address: str) -> None:
    (tmp_path / "wall.png").write_bytes(quarters())
    panel = Panel(new_house("IFC4"))
    panel.map(panel.texture("IfcImageTexture", URLReference=address))
    assert all(quarter_colours(panel.read(tmp_path)))


def test_an_older_file_names_its_image_too(new_house: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "wall.png").write_bytes(quarters())
    house = new_house("IFC2X3")
    wall, create = house.wall("Panel"), house.model.create_entity
    image = create("IfcImageTexture", True, True, "TEXTURE", None, "wall.png")
    style = create("IfcSurfaceStyle", "Brick", "BOTH", [create("IfcSurfaceStyleWithTextures", [image])])
    item = wall.Representation.Representations[0].Items[0]
    create("IfcStyledItem", item, [create("IfcPresentationStyleAssignment", [style])])
    mesh = mesh_of(bim.read(house.save(tmp_path / "old.ifc")))
    assert near(seen(mesh, (0.25, 0.0, 0.75)), RED)
    assert near(seen(mesh, (2.75, 0.0, 0.25)), WHITE)


@pytest.mark.parametrize("count", [1, 2])
def test_an_image_file_is_found_in_the_zip_of_the_model(
    new_house: Callable[..., Any], tmp_path: Path, count: int
) -> None:
    panel = Panel(new_house("IFC4"))
    panel.map(panel.texture("IfcImageTexture", URLReference="textures/wall.png"))
    plain = panel.house.save(tmp_path / "panel.ifc")
    with zipfile.ZipFile(tmp_path / "panel.ifczip", "w") as archive:
        for number in range(count):
            archive.write(plain, f"model/panel{number}.ifc")
        archive.writestr("model/textures/wall.png", quarters())
    assert all(quarter_colours(bim.read(tmp_path / "panel.ifczip")))


@pytest.mark.parametrize(
    "address",
    [
        "../secret.png",
        "{outside}",
        "file://{outside}",
        "link.png",
        "http://127.0.0.1:9/secret.png",
        "sub/../../secret.png",
    ],
)
def test_nothing_outside_the_folder_is_opened(
    new_house: Callable[..., Any], tmp_path: Path, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside = tmp_path / "secret.png"
    outside.write_bytes(quarters())
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "link.png").symlink_to(outside)
    opened: list[str] = []
    plain = Path.open

    def noted(self: Path, *arguments: Any, **words: Any) -> Any:
        opened.append(self.resolve().name)
        return plain(self, *arguments, **words)

    monkeypatch.setattr(Path, "open", noted)
    panel = Panel(new_house("IFC4"))
    panel.map(panel.texture("IfcImageTexture", URLReference=address.format(outside=outside)))
    scene = panel.read(folder)
    assert "secret.png" not in opened
    assert not mesh_of(scene).has_images
    assert near(seen(mesh_of(scene), (1.0, 0.0, 1.5)), BROWN)
    assert [problem["rule"] for problem in scene.metadata["problems"]].count("image-missing") == 1


def test_nothing_outside_the_zip_is_opened(tmp_path: Path) -> None:
    (tmp_path / "secret.png").write_bytes(quarters())
    with zipfile.ZipFile(tmp_path / "a.ifczip", "w") as archive:
        archive.writestr("model/a.ifc", "")
        archive.writestr("../secret.png", quarters())
    home = Home(tmp_path / "a.ifczip", "model/a.ifc")
    assert [home.read(each) for each in ("../../secret.png", "/secret.png", "../secret.png")] == [None, None, None]


@pytest.mark.parametrize(
    ("ifc_class", "attributes"),
    [
        ("IfcBlobTexture", {"RasterCode": bits(b"no image at all")}),
        ("IfcBlobTexture", {"RasterCode": bits(quarters()[:60])}),
        ("IfcPixelTexture", {"Width": 900, "Height": 2, "ColourComponents": 3, "Pixel": [bits(bytes(RED))]}),
        ("IfcPixelTexture", {"Width": 1, "Height": 1, "ColourComponents": 9, "Pixel": [bits(bytes(RED))]}),
        ("IfcPixelTexture", {"Width": 1, "Height": 1, "ColourComponents": 1, "Pixel": [bits(bytes(RED))]}),
    ],
)
def test_a_broken_image_costs_only_itself(
    new_house: Callable[..., Any], tmp_path: Path, ifc_class: str, attributes: dict[str, Any]
) -> None:
    panel = Panel(new_house("IFC4"))
    panel.map(panel.texture(ifc_class, **attributes))
    scene = panel.read(tmp_path)
    assert near(seen(mesh_of(scene), (1.0, 0.0, 1.5)), BROWN)
    assert [problem["rule"] for problem in scene.metadata["problems"]].count("image-broken") == 1


def test_a_map_with_indices_beyond_its_list_is_as_none(new_house: Callable[..., Any], tmp_path: Path) -> None:
    panel = Panel(new_house("IFC4"))
    panel.map(panel.texture(), ((1, 2, 99), (1, 3, 4)))
    assert near(seen(mesh_of(panel.read(tmp_path)), (0.25, 0.0, 0.75)), RED)


@pytest.mark.real_data
@pytest.mark.parametrize("kind", ["image", "blob", "pixel"])
def test_published_samples_show_their_image(real_data: Path, tmp_path: Path, kind: str) -> None:
    model = ifcopenshell.open(str(real_data / "ifc" / SAMPLES / f"tessellation-with-{kind}-texture.ifc"))
    create = model.create_entity
    origin = create("IfcCartesianPoint", (0.0, 0.0, 0.0))
    operator = create("IfcCartesianTransformationOperator3D", LocalOrigin=origin)
    mapped = create("IfcMappedItem", model.by_type("IfcRepresentationMap")[0], operator)
    context = model.by_type("IfcGeometricRepresentationContext")[0]
    shape = create("IfcShapeRepresentation", context, "Body", "MappedRepresentation", [mapped])
    create(
        "IfcBoiler",
        GlobalId=ifcopenshell.guid.new(),
        Name="Boiler",
        ObjectPlacement=create("IfcLocalPlacement", None, create("IfcAxis2Placement3D", origin)),
        Representation=create("IfcProductDefinitionShape", Representations=[shape]),
    )
    model.write(str(tmp_path / "boiler.ifc"))
    (tmp_path / "texture.png").write_bytes(quarters())
    mesh = mesh_of(bim.read(tmp_path / "boiler.ifc"), "Boiler")
    assert mesh.triangle_images is not None
    assert (mesh.triangle_images == 0).all()
    assert mesh.images[0].size_px == ((32, 32) if kind == "image" else (256, 256))


def test_corners_that_faces_share_are_told_apart_by_the_side_that_they_look_to() -> None:
    ring = np.array([[0.0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]])
    front, back = np.array([[0.0, 0], [1, 0], [1, 1], [0, 1]]), np.full((4, 2), 0.5)
    faces = Faces.of([(ring, front), (ring[::-1], back)])
    upper, lower = ring[None, :3], ring[None, 2::-1]
    assert faces.places(upper)[0].tolist() == front[:3].tolist()
    assert faces.places(lower)[0].tolist() == back[:3].tolist()
