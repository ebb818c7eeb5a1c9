"""glTF 2.0 as parts: nodes with their transforms, materials and images, features, instances, Draco compression."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from gis.models3d.gltf_data import GltfData, parse_gltf
from gis.models3d.gltf_metadata import property_tables
from gis.models3d.parts import MOST_TRIANGLES, PLAIN, Part
from scenes.errors import LoadError, MissingLibraryError
from scenes.pictures import Picture

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from scenes.problems import Problems

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]
    Table = dict[str, list[Any]]

_DRACO = "KHR_draco_mesh_compression"
_INSTANCES = "EXT_mesh_gpu_instancing"
_DEEPEST = 500
_MOST_NODES = 1_000_000


@dataclass
class Model:
    """What a model file holds.

    Parameters
    ----------
    parts
        Triangles in the coordinates of the root, y up for glTF.
    names, parents
        Name of each node, and the node above it (-1 = none).
    tables
        Property tables: column to values.
    """

    parts: list[Part] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    parents: list[int] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)


def read_gltf(data: bytes, resolve: Callable[[str], bytes | None], where: str, problems: Problems) -> Model:
    """Return a ``.glb`` or ``.gltf`` as parts.

    Parameters
    ----------
    data
        The file.
    resolve
        Gives the bytes of a file that it names, None where it may not be read.
    where
        What messages call it.
    problems
        Collects images that cannot be shown and the like.

    Raises
    ------
    SourceError
        When it is broken or uses what cannot be read.
    """
    try:
        return _Reader(parse_gltf(data, resolve, where), problems).model()
    except (TypeError, AttributeError, ValueError, KeyError, IndexError) as error:
        reason = f"{type(error).__name__}: {error}"[:120]
        raise LoadError(where, f"is not sound glTF ({reason})", "export it again") from error


class _Reader:
    """Walks the nodes of one file."""

    def __init__(self, data: GltfData, problems: Problems) -> None:
        self._data = data
        self._problems = problems
        self._model = Model(tables=property_tables(data))
        self._meshes: dict[int, list[Part]] = {}
        self._pictures: dict[int, Picture | None] = {}
        self._triangles = 0

    def model(self) -> Model:
        body = self._data.body
        scenes = self._data.listed("scenes")
        if scenes:
            roots = self._data.item("scenes", body.get("scene", 0)).get("nodes") or []
        else:
            below = {child for node in self._data.listed("nodes") for child in node.get("children") or []}
            roots = [index for index in range(len(self._data.listed("nodes"))) if index not in below]
        centre = np.eye(4)
        rtc = (body.get("extensions") or {}).get("CESIUM_RTC")
        if rtc:
            centre[:3, 3] = rtc["center"]
        self._walk([(root, -1, centre, 0) for root in reversed(roots)])
        return self._model

    def _walk(self, stack: list[tuple[int, int, Floats, int]]) -> None:
        while stack:
            index, above, matrix, depth = stack.pop()
            node = self._data.item("nodes", index)
            if depth > _DEEPEST or len(self._model.names) > _MOST_NODES:
                raise self._data.broken("its nodes go round in a circle")
            here = matrix @ _matrix(node)
            row = len(self._model.names)
            self._model.names.append(str(node.get("name", "")))
            self._model.parents.append(above)
            if "mesh" in node:
                self._place(node, row, here)
            stack += [(child, row, here, depth + 1) for child in reversed(node.get("children") or [])]

    def _place(self, node: dict[str, Any], row: int, matrix: Floats) -> None:
        parts = self._mesh(node["mesh"])
        instances = (node.get("extensions") or {}).get(_INSTANCES)
        matrices = [matrix]
        features: Integers | None = None
        table = -1
        if instances:
            matrices = [matrix @ each for each in self._instances(instances["attributes"])]
            features, table = self._instance_features(node, instances["attributes"], len(matrices))
        for part in parts:
            self._triangles += len(part.triangles) * len(matrices)
            if self._triangles > MOST_TRIANGLES:
                raise LoadError(self._data.where, f"has more than {MOST_TRIANGLES:,} triangles", "simplify or split it")
            for number, each in enumerate(matrices):
                moved = replace(part, node=row, positions=part.positions @ each[:3, :3].T + each[:3, 3])
                if np.linalg.det(each[:3, :3]) < 0:
                    moved = replace(moved, triangles=part.triangles[:, ::-1])
                if features is not None:
                    own = np.full(len(part.positions), features[number], np.int64)
                    moved = replace(moved, features=own, table=table)
                self._model.parts.append(moved)

    def _mesh(self, index: object) -> list[Part]:
        spec = self._data.item("meshes", index)
        key = int(cast("int", index))
        if key not in self._meshes:
            found = [self._primitive(each) for each in spec.get("primitives") or []]
            self._meshes[key] = [part for part in found if part is not None and len(part.triangles)]
        return self._meshes[key]

    def _primitive(self, spec: dict[str, Any]) -> Part | None:
        mode = spec.get("mode", 4)
        if mode not in {4, 5, 6}:
            text = "has points or lines among its triangles: left out"
            self._problems.add("info", self._data.where, "primitive-not-shown", text)
            return None
        extensions = spec.get("extensions") or {}
        if _DRACO in extensions:
            values, indices = self._draco(spec, extensions[_DRACO])
        else:
            names = spec.get("attributes") or {}
            values = {name: self._data.numbers(at) for name, at in names.items() if _wanted(name)}
            count = len(values.get("POSITION", ()))
            given = self._data.accessor(spec["indices"]).astype(np.int64) if "indices" in spec else None
            indices = np.arange(count) if given is None else given
        if "POSITION" not in values:
            return None
        positions = values["POSITION"].reshape(-1, 3)
        triangles = _triangles(indices, mode)
        if len(triangles) and (triangles.min() < 0 or triangles.max() >= len(positions)):
            raise self._data.broken("a triangle names a vertex that is not there")
        if any(len(each) != len(positions) for each in values.values()):
            raise self._data.broken("the attributes of a mesh have different lengths")
        colours, uvs, picture = self._look(spec, values, len(positions))
        features, table = self._features(extensions, values, len(positions))
        return Part(0, positions, triangles, colours, uvs, picture, features, table)

    def _look(
        self, spec: dict[str, Any], values: dict[str, Floats], count: int
    ) -> tuple[NDArray[np.uint8], Floats | None, Picture | None]:
        """Return the colours, places in the image, and image of a primitive."""
        material = self._data.item("materials", spec["material"]) if "material" in spec else {}
        extensions = material.get("extensions") or {}
        paint = material.get("pbrMetallicRoughness") or {}
        factor, texture = paint.get("baseColorFactor"), paint.get("baseColorTexture")
        shiny = extensions.get("KHR_materials_pbrSpecularGlossiness")
        if shiny:
            factor, texture = shiny.get("diffuseFactor", factor), shiny.get("diffuseTexture", texture)
        linear = np.ones((count, 4)) * (np.asarray(factor, np.float64) if factor is not None else 1.0)
        own = values.get("COLOR_0")
        if own is not None:
            linear[:, : own.shape[1]] *= own
        colours = _srgb(linear)
        if not material and own is None:
            colours[:] = PLAIN
        if material.get("alphaMode", "OPAQUE") == "OPAQUE":
            colours[:, 3] = 255
        if texture is None:
            return colours, None, None
        moved = (texture.get("extensions") or {}).get("KHR_texture_transform") or {}
        uvs = values.get(f"TEXCOORD_{moved.get('texCoord', texture.get('texCoord', 0))}")
        picture = self._picture(texture.get("index"))
        if uvs is None or picture is None:
            return colours, None, None
        return colours, _transformed(uvs, moved), picture

    def _picture(self, index: object) -> Picture | None:
        spec = self._data.item("textures", index)
        extensions = spec.get("extensions") or {}
        source = (extensions.get("EXT_texture_webp") or {}).get("source", spec.get("source"))
        if source is None:
            text = "has images in a form that cannot be shown (KTX2): colours only"
            self._problems.add("info", self._data.where, "texture-not-shown", text, "export it with PNG or JPEG")
            return None
        if source not in self._pictures:
            self._pictures[source] = self._read_picture(source)
        return self._pictures[source]

    def _read_picture(self, source: int) -> Picture | None:
        data = self._data.image(source)
        if data is None:
            name = str(self._data.item("images", source).get("uri", ""))[:80]
            text = f"image {name!r} is not beside it: colours only"
            self._problems.add(
                "warning", self._data.where, "texture-missing", text, "copy the whole folder of the model"
            )
            return None
        try:
            return Picture.read(data, self._data.where)
        except LoadError as error:
            self._problems.add("warning", self._data.where, "texture-broken", f"an image {error.what}", error.advice)
            return None

    def _features(
        self, extensions: dict[str, Any], values: dict[str, Floats], count: int
    ) -> tuple[Integers | None, int]:
        """Return the feature of each vertex and its property table (EXT_mesh_features, or _BATCHID of b3dm)."""
        given = (extensions.get("EXT_mesh_features") or {}).get("featureIds") or []
        for spec in sorted(given, key=lambda each: "propertyTable" not in each):
            name = f"_FEATURE_ID_{spec.get('attribute')}"
            if "attribute" in spec and name in values:
                ids = values[name].astype(np.int64)
            elif "texture" not in spec and "attribute" not in spec:
                ids = np.arange(count)
            else:
                continue
            if "nullFeatureId" in spec:
                ids = np.where(ids == spec["nullFeatureId"], -1, ids)
            return ids, int(spec.get("propertyTable", -1))
        if given:
            text = "tells features apart by an image: the whole tile is one object"
            self._problems.add("info", self._data.where, "features-in-texture", text)
        for name in ("_BATCHID", "BATCHID", "_FEATURE_ID_0"):
            if name in values:
                return np.rint(values[name].reshape(count, -1)[:, 0]).astype(np.int64), -1
        return None, -1

    def _instances(self, attributes: dict[str, Any]) -> list[Floats]:
        parts = {name: self._data.numbers(at) for name, at in attributes.items() if not name.startswith("_")}
        count = max((len(each) for each in parts.values()), default=0)
        if count > _MOST_NODES:
            raise LoadError(self._data.where, f"has {count:,} instances", "split it")
        spots = parts.get("TRANSLATION", np.zeros((count, 3)))
        turns = parts.get("ROTATION", np.tile([0.0, 0.0, 0.0, 1.0], (count, 1)))
        sizes = parts.get("SCALE", np.ones((count, 3)))
        return [_composed(*each) for each in zip(spots, turns, sizes, strict=True)]

    def _instance_features(
        self, node: dict[str, Any], attributes: dict[str, Any], count: int
    ) -> tuple[Integers | None, int]:
        given = ((node.get("extensions") or {}).get("EXT_instance_features") or {}).get("featureIds") or []
        for spec in given:
            at = attributes.get(f"_FEATURE_ID_{spec.get('attribute')}")
            ids = self._data.accessor(at).astype(np.int64) if at is not None else np.arange(count)
            return ids, int(spec.get("propertyTable", -1))
        return None, -1

    def _draco(self, spec: dict[str, Any], packed: dict[str, Any]) -> tuple[dict[str, Floats], Integers]:
        try:
            import DracoPy  # noqa: PLC0415
        except ImportError as error:
            advice = "pip install citytwin[gis], or export it without Draco"
            raise MissingLibraryError(self._data.where, "is compressed with Draco", advice) from error
        try:
            mesh = DracoPy.decode(self._data.view(packed.get("bufferView")))
        except Exception as error:
            raise self._data.broken("its Draco data cannot be decoded") from error
        known = {each["unique_id"]: each["data"] for each in mesh.attributes}
        values = {}
        for name, key in (packed.get("attributes") or {}).items():
            if key in known and _wanted(name):
                data = np.asarray(known[key])
                data = data.reshape(len(mesh.points), -1)
                at = (spec.get("attributes") or {}).get(name)
                scale = 1.0
                if at is not None and self._data.item("accessors", at).get("normalized") and data.dtype.kind in "iu":
                    scale = 1.0 / np.iinfo(data.dtype).max
                plain = data.astype(np.float64) * scale
                values[name] = plain[:, 0] if plain.shape[1] == 1 else plain
        return values, np.asarray(mesh.faces, np.int64).reshape(-1)


def _wanted(name: str) -> bool:
    return name in {"POSITION", "COLOR_0", "BATCHID", "_BATCHID"} or name.startswith(("TEXCOORD_", "_FEATURE_ID_"))


def _triangles(indices: Integers, mode: int) -> Integers:
    """Return (t, 3) triangles of a list, strip (5) or fan (6) of indices."""
    if mode == 4:
        return indices[: len(indices) // 3 * 3].reshape(-1, 3)
    count = max(len(indices) - 2, 0)
    here = np.arange(count)
    if mode == 6:
        return np.column_stack([indices[np.zeros(count, int)], indices[here + 1], indices[here + 2]])
    odd = here % 2
    return np.column_stack([indices[here], indices[here + 1 + odd], indices[here + 2 - odd]])


def _matrix(node: dict[str, Any]) -> Floats:
    if "matrix" in node:
        return np.asarray(node["matrix"], np.float64).reshape(4, 4).T
    return _composed(
        node.get("translation", (0.0, 0.0, 0.0)),
        node.get("rotation", (0.0, 0.0, 0.0, 1.0)),
        node.get("scale", (1.0, 1.0, 1.0)),
    )


def _composed(translation: Any, rotation: Any, scale: Any) -> Floats:
    x, y, z, w = (float(value) for value in rotation)
    length = np.sqrt(x * x + y * y + z * z + w * w) or 1.0
    x, y, z, w = x / length, y / length, z / length, w / length
    matrix = np.eye(4)
    matrix[:3, :3] = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    matrix[:3, :3] *= np.asarray(scale, np.float64)
    matrix[:3, 3] = translation
    return matrix


def _srgb(linear: Floats) -> NDArray[np.uint8]:
    """Return linear colours and opacity 0..1 as sRGB bytes (IEC 61966-2-1)."""
    kept = np.clip(linear, 0.0, 1.0)
    curve = np.where(kept <= 0.0031308, kept * 12.92, 1.055 * kept ** (1 / 2.4) - 0.055)
    curve[:, 3] = kept[:, 3]
    colours: NDArray[np.uint8] = np.rint(curve * 255).astype(np.uint8)
    return colours


def _transformed(uvs: Floats, spec: dict[str, Any]) -> Floats:
    """Return places in an image after KHR_texture_transform."""
    if not spec:
        return uvs
    turn = float(spec.get("rotation", 0.0))
    scaled = uvs * np.asarray(spec.get("scale", (1.0, 1.0)), np.float64)
    x = np.cos(turn) * scaled[:, 0] + np.sin(turn) * scaled[:, 1]
    y = -np.sin(turn) * scaled[:, 0] + np.cos(turn) * scaled[:, 1]
    return np.column_stack([x, y]) + np.asarray(spec.get("offset", (0.0, 0.0)), np.float64)
