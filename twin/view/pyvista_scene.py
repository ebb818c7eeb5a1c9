"""PyVista: scenes as VTK data for analysis, and pictures without a window."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from scenes import CityTwinError, Field, MissingLibraryError, UnknownObjectError
from scenes.tiles.style import default_colour
from twin.view.attributes import overlay_by_attribute
from twin.view.colour import ColourScale

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from scenes import Batch, Layer, MeshSet, Scene
    from scenes.pictures import Picture

SKY_TOP, SKY_BOTTOM = "#b9d3ea", "#f2f6f9"
HIDDEN_THEMES = frozenset({"districts"})
BURIED_THEMES = frozenset({"pipes"})
_SURFACE: dict[str, Any] = {"ambient": 0.32, "diffuse": 0.78, "specular": 0.05}
_LARGEST_PX = 1_024  # of an image
_SUN_AZIMUTH_DEG, _SUN_ELEVATION_DEG = 235.0, 42.0


def to_pyvista(scene: Scene, lod: str | None = None, layers: Sequence[str] | None = None) -> Any:
    """Return a scene as a `pyvista.MultiBlock` with one `pyvista.PolyData` a layer.

    Coordinates are local metres, z up. Cells carry ``handle`` (uint32) and ``rgba`` (uint8), and where a layer has
    images ``image`` (int32, -1 = none) with texture coordinates; instances are written out as triangles.

    Parameters
    ----------
    scene
        The city.
    lod
        Level of detail; default the finest of each batch.
    layers
        Names of the layers; default all.

    Raises
    ------
    MissingLibraryError
        When PyVista is not installed.
    """
    pyvista = _library()
    blocks = pyvista.MultiBlock()
    for name in scene.layers if layers is None else layers:
        if name not in scene.layers:
            raise UnknownObjectError(name, f"no such layer; there are {', '.join(scene.layers) or 'none'}")
        parts = list(_polydata(scene.layers[name], scene.bases[name], lod))
        if parts:
            blocks[name] = parts[0] if len(parts) == 1 else pyvista.merge(parts, merge_points=False)
    return blocks


def render(
    scene: Scene,
    path: str | Path,
    *,
    camera: Sequence[float] | None = None,
    field: str | Field = "",
    layers: Sequence[str] | None = None,
    size: tuple[int, int] = (1600, 900),
) -> Path:
    """Draw a scene off screen and return the picture's path.

    Parameters
    ----------
    scene
        The city.
    path
        A ``.png`` or ``.jpg`` file.
    camera
        Eye and target, six numbers in local metres; default a view of everything from the south-east.
    field
        An attribute column, or a field, to colour the objects by; empty = their own colours.
    layers
        Layers to draw; default all but districts and what lies in the ground.
    size
        Width and height in pixels.

    Raises
    ------
    CityTwinError
        When there is nothing to draw, or the column, a layer or PyVista is missing.
    """
    pyvista = _library()
    target = Path(path)
    if target.suffix.lower() not in {".png", ".jpg", ".jpeg"}:
        raise CityTwinError(target, "is not a picture that can be written", "name a .png or .jpg file")
    buried = HIDDEN_THEMES | BURIED_THEMES
    shown = [name for name, layer in scene.layers.items() if layer.theme not in buried] if layers is None else layers
    blocks = to_pyvista(scene, layers=shown)
    if not blocks.keys():
        raise CityTwinError(scene.name, "there is nothing to draw", "load a file with geometry, or choose other layers")
    colours = _coloured(scene, field)
    plotter = pyvista.Plotter(off_screen=True, window_size=list(size), lighting="none")
    try:
        plotter.set_background(SKY_BOTTOM, top=SKY_TOP)
        _light(plotter, pyvista)
        for name in blocks.keys():  # noqa: SIM118 - a MultiBlock iterates over its blocks
            _draw(plotter, blocks[name], colours, pictures_of(scene.layers[name]))
        if isinstance(field, Field) or field:
            _legend(plotter, _scale_of(scene, field), size)
        _aim(plotter, blocks.bounds, camera)
        target.parent.mkdir(parents=True, exist_ok=True)
        plotter.screenshot(str(target))
    finally:
        plotter.close()
    return target


def pictures_of(layer: Layer, lod: str | None = None) -> list[Picture]:
    """Return the images that ``image`` of the cells of `to_pyvista` counts through."""
    return [image for batch in layer.batches if (mesh := _mesh(batch, lod)) is not None for image in mesh.images]


def _library() -> Any:
    try:
        import pyvista  # noqa: PLC0415 - VTK takes seconds to load and is optional
    except ImportError as error:
        raise MissingLibraryError("pyvista", "is not installed", "pip install 'citytwin[app]'") from error
    return pyvista


def _polydata(layer: Layer, base: int, lod: str | None) -> Iterator[Any]:
    pyvista = _library()
    first, images = base, 0
    painted = bool(pictures_of(layer, lod))
    for batch in layer.batches:
        mesh = _mesh(batch, lod)
        if mesh is not None and len(mesh.triangles):
            faces = np.column_stack([np.full(len(mesh.triangles), 3, np.int64), mesh.triangles.astype(np.int64)])
            data = pyvista.PolyData(mesh.positions_m, faces.ravel())
            data.cell_data["handle"] = (mesh.triangle_rows().astype(np.int64) + first).astype(np.uint32)
            data.cell_data["rgba"] = _rgba(mesh, layer.theme)
            if painted:
                data.cell_data["image"] = _images(mesh, images)
                data.active_texture_coordinates = _places(mesh)
                images += len(mesh.images)
            yield data
        first += len(batch)


def _images(mesh: MeshSet, before: int) -> NDArray[np.int32]:
    own = np.full(len(mesh.triangles), -1) if mesh.triangle_images is None else mesh.triangle_images
    return np.where(own >= 0, own + before, -1).astype(np.int32)


def _places(mesh: MeshSet) -> NDArray[np.float32]:
    """Return (v, 2) texture coordinates as VTK has them, upward."""
    uvs = np.zeros((mesh.vertex_count, 2), np.float32) if mesh.uvs is None else mesh.uvs
    return np.column_stack([uvs[:, 0], 1 - uvs[:, 1]]).astype(np.float32)


def _mesh(batch: Batch, lod: str | None) -> MeshSet | None:
    mesh = batch.finest() if lod is None else batch.meshes.get(lod)
    return None if mesh is None else mesh.expanded()


def _rgba(mesh: MeshSet, theme: str) -> NDArray[np.uint8]:
    if mesh.colours is None:
        return np.tile(np.asarray(default_colour(theme), np.uint8), (len(mesh.triangles), 1))
    return mesh.colours[mesh.triangles[:, 0]]


def _scale_of(scene: Scene, field: str | Field) -> ColourScale:
    if isinstance(field, str):
        return overlay_by_attribute(scene, field).scale
    low, high = field.limits()
    if not np.isfinite(low):
        raise CityTwinError(field.name, "the field has no value", "check the simulation or the feed")
    return ColourScale(field.name, field.unit, {}, low, high if high > low else low + 1.0)


def _coloured(scene: Scene, field: str | Field) -> NDArray[np.uint8] | None:
    """Return (n, 4) RGBA of every handle with A = 0 where the object keeps its own colour; None without a field."""
    if isinstance(field, str):
        if not field:
            return None
        made = overlay_by_attribute(scene, field)
        colours: NDArray[np.uint8] = made.scale.palette()[made.codes]
        return colours
    scale = _scale_of(scene, field)
    if field.handles is None:
        raise CityTwinError(field.name, "lies on a surface of its own", "colour by a field on objects")
    colours = np.zeros((len(scene), 4), np.uint8)
    colours[field.handles] = scale.palette()[scale.codes(field.values, field.quality)]
    return colours


def _draw(plotter: Any, data: Any, colours: NDArray[np.uint8] | None, pictures: Sequence[Picture]) -> None:
    """Draw a layer: objects that a field colours in its colour, others with their images or their own colour."""
    rgba = np.asarray(data.cell_data["rgba"]).copy()
    tinted = np.zeros(len(rgba), np.bool_)
    if colours is not None:
        own = colours[np.asarray(data.cell_data["handle"])]
        tinted = own[:, 3] > 0
        rgba[tinted, :3] = own[tinted, :3]
    image = np.asarray(data.cell_data["image"]) if "image" in data.cell_data else np.full(len(rgba), -1)
    bare = (image < 0) | tinted
    if bare.any():
        part = data if bare.all() else data.extract_cells(bare)
        plotter.add_mesh(part, scalars=rgba[bare][:, :3], rgb=True, **_SURFACE)
    for index in np.unique(image[~bare]).tolist():
        texture = _library().Texture(pictures[index].pixels(_LARGEST_PX)[..., :3].copy())
        plotter.add_mesh(data.extract_cells((image == index) & ~bare), texture=texture, **_SURFACE)


def _light(plotter: Any, pyvista: Any) -> None:
    azimuth, elevation = np.radians(_SUN_AZIMUTH_DEG), np.radians(_SUN_ELEVATION_DEG)
    flat = np.cos(elevation)
    towards = (flat * np.sin(azimuth), flat * np.cos(azimuth), np.sin(elevation))
    sun = pyvista.Light(position=towards, focal_point=(0, 0, 0), light_type="scene light", intensity=0.85)
    fill = pyvista.Light(position=(-towards[0], -towards[1], 1.5), light_type="scene light", intensity=0.3)
    for light in (sun, fill):
        plotter.add_light(light)


def _legend(plotter: Any, scale: ColourScale, size: tuple[int, int]) -> None:
    if scale.classes:
        entries = [[each.titles.get("en", ""), each.colour] for each in scale.classes]
        plotter.add_legend(entries, bcolor="#ffffff", size=(0.18, 0.03 * len(entries) + 0.02), loc="lower right")
        return
    plotter.add_text(
        f"{scale.titles.get('en', scale.name)} {scale.minimum:g} - {scale.maximum:g} {scale.unit}",
        position=(0.02 * size[0], 0.02 * size[1]),
        font_size=max(8, size[1] // 90),
        color="#17233a",
    )


def _aim(plotter: Any, bounds: Sequence[float], camera: Sequence[float] | None) -> None:
    if camera is not None:
        plotter.camera_position = [tuple(camera[:3]), tuple(camera[3:]), (0.0, 0.0, 1.0)]
    else:
        centre = np.array([(bounds[0] + bounds[1]) / 2, (bounds[2] + bounds[3]) / 2, bounds[4]])
        reach = max(bounds[1] - bounds[0], bounds[3] - bounds[2], 10.0)
        eye = centre + reach * np.array([0.42, -0.62, 0.42])
        plotter.camera_position = [tuple(eye), tuple(centre), (0.0, 0.0, 1.0)]
    plotter.renderer.ResetCameraClippingRange()
