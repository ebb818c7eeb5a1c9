"""Meshes in common files (OBJ, PLY, STL, OFF) as plain arrays, read by trimesh."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from scenes.errors import LoadError
from scenes.pictures import Picture

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

FORMATS = frozenset({".obj", ".ply", ".stl", ".off"})


@dataclass(frozen=True, eq=False)
class NamedMesh:
    """A mesh of a file.

    Parameters
    ----------
    name
        Its name in the file, empty if it has none.
    positions
        (v, 3) float64 in units and axes of the file.
    triangles
        (t, 3) int64.
    colours
        (v, 4) uint8 sRGB and opacity; None where the file has none.
    uvs
        (v, 2) places in the image, 0, 0 = upper left; None without an image.
    picture
        The image.
    """

    name: str
    positions: NDArray[np.float64]
    triangles: NDArray[np.int64]
    colours: NDArray[np.uint8] | None = None
    uvs: NDArray[np.float64] | None = None
    picture: Picture | None = None


def read_meshes(data: bytes, suffix: str, resolve: Callable[[str], bytes | None], where: str) -> list[NamedMesh]:
    r"""Return the meshes of a file that have triangles.

    Parameters
    ----------
    data
        The file.
    suffix
        One of `FORMATS`.
    resolve
        Gives the bytes of a material or image that the file names, None where it may not be read.
    where
        What messages call it.

    Raises
    ------
    LoadError
        When it is broken.

    Examples
    --------
    >>> text = b"o roof\nv 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n"
    >>> [(mesh.name, len(mesh.triangles)) for mesh in read_meshes(text, ".obj", lambda name: None, "a.obj")]
    [('roof', 1)]
    """
    import trimesh  # noqa: PLC0415

    options: dict[str, Any] = {"split_objects": True} if suffix == ".obj" else {}
    try:
        scene = trimesh.load_scene(
            io.BytesIO(data), file_type=suffix[1:], resolver=_resolver(resolve), process=False, **options
        )
        found = [_plain(name, mesh, where) for name, mesh in scene.geometry.items() if hasattr(mesh, "faces")]
    except LoadError:
        raise
    except Exception as error:  # trimesh has no tree of errors of its own
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:120]
        raise LoadError(where, f"cannot be read ({reason})", "export it again") from error
    return [mesh for mesh in found if len(mesh.triangles)]


def _resolver(resolve: Callable[[str], bytes | None]) -> Any:
    """Return what trimesh asks for other files: only those that `resolve` allows."""
    from trimesh.resolvers import Resolver  # noqa: PLC0415

    class Allowed(Resolver):
        def __init__(self) -> None:
            return

        def get(self, name: str) -> bytes:
            data = resolve(name)
            if data is None:
                raise FileNotFoundError(name)
            return data

        def write(self, name: str, data: bytes) -> None:
            raise NotImplementedError(name)

        def namespaced(self, namespace: str) -> Allowed:  # noqa: ARG002
            return self

        def keys(self) -> list[str]:
            return []

    return Allowed()


def _plain(name: str, mesh: Any, where: str) -> NamedMesh:
    positions = np.asarray(mesh.vertices, np.float64).reshape(-1, 3)
    triangles = np.asarray(mesh.faces, np.int64).reshape(-1, 3)
    if len(triangles) and (triangles.min() < 0 or triangles.max() >= len(positions)):
        raise LoadError(where, "a triangle names a vertex that is not there", "export it again")
    uvs, picture = _texture(mesh, len(positions))
    return NamedMesh(
        "" if name.startswith("geometry_") else name, positions, triangles, _colours(mesh, len(positions)), uvs, picture
    )


def _colours(mesh: Any, count: int) -> NDArray[np.uint8] | None:
    visual = mesh.visual
    if visual.kind == "vertex":
        return np.asarray(visual.vertex_colors, np.uint8).reshape(-1, 4)
    if visual.kind == "face":  # vertices that faces share get the mean of their colours
        return np.asarray(visual.vertex_colors, np.uint8).reshape(-1, 4)
    material = getattr(visual, "material", None)
    if material is not None:
        return np.tile(np.asarray(material.main_color, np.uint8), (count, 1))
    return None


def _texture(mesh: Any, count: int) -> tuple[NDArray[np.float64] | None, Picture | None]:
    visual = mesh.visual
    image = getattr(getattr(visual, "material", None), "image", None)
    uvs = getattr(visual, "uv", None)
    if image is None or uvs is None or len(uvs) != count:
        return None, None
    places = np.asarray(uvs, np.float64)[:, :2] * [1.0, -1.0] + [0.0, 1.0]
    return places, Picture.of_pixels(np.asarray(image.convert("RGBA")))
