"""Encode one `Content` as glb: quantized positions, colours, feature ids and metadata."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from scenes.errors import CityTwinError
from scenes.tiles.atlas import packed
from scenes.tiles.glb import ELEMENT_ARRAY_BUFFER, LINES, POINTS, TRIANGLES, GlbBuilder
from scenes.tiles.metadata import add_property_table
from scenes.tiles.numbering import heads, lengths
from scenes.tiles.welding import STEPS, Frame, Welded, frame_of, to_gltf_axes, welded, whole_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa
    from numpy.typing import NDArray

    from scenes.mesh import MeshSet
    from scenes.pictures import Picture
    from scenes.tiles.content import Bytes, Content, Floats, Longs, Placements, Singles

    Json = dict[str, Any]

MAX_HANDLE = 1 << 24  # a float32 tells whole numbers apart up to here
QUANTIZATION_M = 0.008  # greatest rounding of a position in a leaf, metres
_SOLID, _GLASS, _LINE = "solid", "transparent", "unlit"
_PROTOTYPE_PX = 512
_REPEAT, _CLAMP = 10497, 33071
_SLACK = 1e-3


@dataclass(frozen=True, slots=True)
class Encoding:
    """How positions are written.

    Parameters
    ----------
    rounding_m
        Greatest rounding of a coordinate; positions are written as float32 where 16 bits are too coarse
        for it. Infinity always quantizes, 0 never does.
    features
        Whether feature ids and names are written.
    compressed
        Whether arrays are packed (`scenes.meshopt`).
    """

    rounding_m: float = QUANTIZATION_M
    features: bool = True
    compressed: bool = False


def rounding_m(content: Content, encoding: Encoding) -> float:
    """Return how far positions move at most when the content is encoded, metres."""
    frame = frame_of(content, encoding.rounding_m)
    return 0.0 if frame.scale is None else float(np.linalg.norm(frame.scale) / 2)


def encode(content: Content, names: pa.Table | None = None, encoding: Encoding | None = None) -> bytes:
    """Return the content as a glb file, y up, in local metres.

    Parameters
    ----------
    content
        The geometry of one tile; not empty.
    names
        Columns uid, kind and name for `all_handles` of the content; None writes no metadata.
    encoding
        How positions are written.

    Raises
    ------
    CityTwinError
        When a handle is too great for a float32.
    """
    encoding = encoding or Encoding()
    handles = _checked(all_handles(content))
    builder = GlbBuilder(compressed=encoding.compressed)
    writer = _Writer(builder, handles, names is not None, encoding)
    nodes = writer.mesh_nodes(content)
    nodes += [writer.placement_node(each, content.centre) for each in content.placements if len(each)]
    builder.json["scene"] = 0
    builder.add("scenes", {"nodes": nodes})
    if names is not None:
        add_property_table(builder, names, handles)
    return builder.to_bytes()


def encode_all(contents: Mapping[str, Content], extras: Json) -> bytes:
    """Return several contents as one glb that every reader opens: a node each, named, float32, with feature ids.

    `extras` goes into every node.
    """
    builder = GlbBuilder()
    nodes = []
    textures: dict[tuple[Picture, int], int] = {}
    for name, content in contents.items():
        writer = _Writer(builder, _checked(all_handles(content)), False, Encoding(rounding_m=0.0), textures)
        for node in writer.mesh_nodes(content):
            described = builder.json["nodes"][node]
            described |= {"name": name, "extras": extras}
            builder.json["meshes"][described["mesh"]]["name"] = name
            nodes.append(node)
    builder.json["scene"] = 0
    builder.add("scenes", {"nodes": nodes})
    return builder.to_bytes()


def _checked(handles: Longs) -> Longs:
    if len(handles) and int(handles[-1]) >= MAX_HANDLE:
        raise CityTwinError(
            "tiles", f"handle {int(handles[-1])} is beyond {MAX_HANDLE - 1}", "split the city into several packages"
        )
    return handles


def all_handles(content: Content) -> Longs:
    """Return the handles of all objects of a content, those of placements included, ascending."""
    if not content.placements:
        return content.handles
    return cast("Longs", np.unique(np.concatenate([content.handles, *(each.handles for each in content.placements)])))


def linear_colours(colours: Bytes) -> Bytes:
    """Return (n, 4) sRGB colours as linear ones, as COLOR_0 wants them (IEC 61966-2-1); opacity stays."""
    words = np.ascontiguousarray(colours).view(np.uint32)[:, 0]
    starts = heads(words)
    linear = np.ascontiguousarray(colours.take(starts, axis=0))
    linear[:, :3] = _LINEAR.take(linear[:, :3])
    return linear.view(np.uint32)[:, 0].repeat(lengths(starts, len(words))).view(np.uint8).reshape(-1, 4)


def _linear_table() -> Bytes:
    share = np.arange(256) / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    return cast("Bytes", np.rint(linear * 255).astype(np.uint8))


_LINEAR = _linear_table()


@dataclass(frozen=True, eq=False)
class _Writer:
    """Writes the parts of one content into one builder."""

    builder: GlbBuilder
    handles: Longs
    has_table: bool
    encoding: Encoding
    textures: dict[tuple[Picture, int], int] = field(default_factory=dict)

    def mesh_nodes(self, content: Content) -> list[int]:
        """Write triangles, segments and points as one mesh; return the index of its node, if there is any."""
        if not (len(content.triangles) or len(content.lines) or len(content.points)):
            return []
        frame = frame_of(content, self.encoding.rounding_m)
        if frame.scale is not None:
            self.builder.use_extension("KHR_mesh_quantization", required=True)
        primitives = self._painted(content, frame)
        if content.paint is not None:
            content = replace(content, triangles=content.triangles[content.paint.named < 0], paint=None)
        joined = welded(content, frame, self.handles)
        clear = joined.colours[:, 3].take(joined.triangles[:, 0]) < 255
        primitives += [
            self._primitive(joined, indices, mode, self._material(material))
            for indices, mode, material in (
                (joined.triangles[~clear] if clear.any() else joined.triangles, TRIANGLES, _SOLID),
                (joined.triangles[clear], TRIANGLES, _GLASS),
                (joined.lines, LINES, _LINE),
                (joined.points[:, None], POINTS, _LINE),
            )
            if len(indices)
        ]
        mesh = self.builder.add("meshes", {"primitives": primitives})
        return [self.builder.add("nodes", {"mesh": mesh, **frame.node()})]

    def _painted(self, content: Content, frame: Frame) -> list[Json]:
        """Write the triangles that have images, a primitive an image, small images packed into pages."""
        if content.paint is None:
            return []
        paint = packed(content.paint, content.triangles)
        whole = replace(whole_of(content, frame, self.handles), uvs=paint.uvs)
        parts = [content.triangles[paint.named == index] for index in range(len(paint.images))]
        return [
            self._primitive(whole, part, TRIANGLES, self._textured(image, paint.uvs[part.ravel()]))
            for part, image in zip(parts, paint.images, strict=True)
        ]

    def placement_node(self, each: Placements, centre: Floats) -> int:
        """Write a prototype and its placements (EXT_mesh_gpu_instancing); return the index of the node."""
        mesh = self.builder.add("meshes", {"primitives": self._prototype(each.prototype)})
        yaw = each.yaw_rad.astype(np.float64)
        turn = np.zeros((len(each), 4), np.float32)
        turn[:, 1], turn[:, 3] = np.sin(yaw / 2), np.cos(yaw / 2)
        attributes = {
            "TRANSLATION": self._instance_accessor(to_gltf_axes(each.positions).astype(np.float32)),
            "ROTATION": self._instance_accessor(turn),
            "SCALE": self._instance_accessor(each.scales[:, [0, 2, 1]].astype(np.float32)),
        }
        extensions: Json = {"EXT_mesh_gpu_instancing": {"attributes": attributes}}
        self.builder.use_extension("EXT_mesh_gpu_instancing", required=True)
        if self.encoding.features:
            handles, rows = each.handles.astype(np.float32), np.searchsorted(self.handles, each.handles)
            attributes["_FEATURE_ID_0"] = self._instance_accessor(handles)
            attributes["_FEATURE_ID_1"] = self._instance_accessor(rows.astype(np.float32))
            extensions["EXT_instance_features"] = {"featureIds": self._feature_ids(each.handles)}
            self.builder.use_extension("EXT_instance_features")
        translation = to_gltf_axes(centre[None])[0].tolist()
        return self.builder.add("nodes", {"mesh": mesh, "translation": translation, "extensions": extensions})

    def _instance_accessor(self, values: NDArray[Any]) -> int:
        return self.builder.add_accessor(values, target=None)

    def _prototype(self, mesh: MeshSet) -> list[Json]:
        """Return the primitives of a prototype: one for what is solid, for what is clear, and for each image."""
        attributes = {"POSITION": self._positions(to_gltf_axes(mesh.positions_m).astype(np.float32))}
        colours = np.full((mesh.vertex_count, 4), 255, np.uint8) if mesh.colours is None else mesh.colours
        attributes["COLOR_0"] = self.builder.add_accessor(linear_colours(colours), normalized=True)
        if mesh.normals is not None:
            attributes["NORMAL"] = self._normals(mesh.normals)
        named = np.full(len(mesh.triangles), -1) if mesh.triangle_images is None else mesh.triangle_images
        clear = colours[mesh.triangles[:, 0], 3] < 255
        named = np.where(clear & (named < 0), -2, named)
        parts = []
        for index in np.unique(named).tolist():
            material, laid = None, {}
            if mesh.uvs is not None and index >= 0:
                material = self._textured(mesh.images[index].shrunk(_PROTOTYPE_PX), mesh.uvs)
                laid = {"TEXCOORD_0": self.builder.add_accessor(mesh.uvs)}
            parts.append(
                {
                    "attributes": attributes | laid,
                    "indices": self._indices(mesh.triangles[named == index].ravel(), mesh.vertex_count),
                    "mode": TRIANGLES,
                    "material": self._material(_GLASS if index == -2 else _SOLID) if material is None else material,
                }
            )
        return parts

    def _primitive(self, welded: Welded, indices: Longs, mode: int, material: int) -> Json:
        mine, indices = welded.used(indices)
        attributes = {"POSITION": self._positions(mine.positions)}
        colours = linear_colours(mine.colours)
        attributes["COLOR_0"] = self.builder.add_accessor(colours, normalized=True)
        if mine.normals is not None and mode == TRIANGLES:
            attributes["NORMAL"] = self._normals(mine.normals)
        if mine.uvs is not None:
            attributes["TEXCOORD_0"] = self._uvs(mine.uvs)
        primitive: Json = {"attributes": attributes, "mode": mode, "material": material}
        if self.encoding.features:
            rows = mine.rows
            attributes["_FEATURE_ID_0"] = self.builder.add_accessor(self.handles.take(rows).astype(np.float32))
            id_type = np.uint16 if len(self.handles) <= STEPS else np.float32
            attributes["_FEATURE_ID_1"] = self.builder.add_accessor(rows.astype(id_type))
            primitive["extensions"] = {"EXT_mesh_features": {"featureIds": self._feature_ids(rows)}}
            self.builder.use_extension("EXT_mesh_features")
        if mode != POINTS:
            primitive["indices"] = self._indices(indices.ravel(), len(mine.positions), mode)
        return primitive

    def _feature_ids(self, ids: Longs) -> list[Json]:
        mark = np.zeros(int(ids.max(initial=-1)) + 1, np.bool_)
        mark[ids] = True
        count = int(np.count_nonzero(mark))
        row: Json = {"attribute": 1, "featureCount": count, "label": "row"}
        if self.has_table:
            row["propertyTable"] = 0
        return [{"attribute": 0, "featureCount": count, "label": "number"}, row]

    def _positions(self, positions: NDArray[Any]) -> int:
        return self.builder.add_accessor(positions, limits=True)

    def _uvs(self, uvs: Singles) -> int:
        if self.encoding.rounding_m == 0 or uvs.min(initial=0.0) < 0 or uvs.max(initial=1.0) > 1:
            return self.builder.add_accessor(uvs.astype(np.float32))
        return self.builder.add_accessor(np.rint(uvs * STEPS).astype(np.uint16), normalized=True)

    def _textured(self, image: Picture, uvs: Singles) -> int:
        """Return the material that shows an image, repeated where places in it ask for it: else rims would mix."""
        wrap = _REPEAT if uvs.min() < -_SLACK or uvs.max() > 1 + _SLACK else _CLAMP
        known = self.textures.get((image, wrap))
        if known is None:
            view = self.builder.add_view(image.data)
            source = self.builder.add("images", {"bufferView": view, "mimeType": image.mime})
            texture = self.builder.add("textures", {"source": source, "sampler": self._sampler(wrap)})
            look = {"baseColorTexture": {"index": texture}, "metallicFactor": 0.0, "roughnessFactor": 0.9}
            material: Json = {"name": f"image {source}", "pbrMetallicRoughness": look, "doubleSided": True}
            if image.has_gaps:
                material["alphaMode"] = "MASK"
            known = self.textures[image, wrap] = self.builder.add("materials", material)
        return known

    def _sampler(self, wrap: int) -> int:
        sampler = {"magFilter": 9729, "minFilter": 9987, "wrapS": wrap, "wrapT": wrap}
        known = self.builder.json.get("samplers", [])
        return known.index(sampler) if sampler in known else self.builder.add("samplers", sampler)

    def _normals(self, normals: Singles) -> int:
        length = np.linalg.norm(normals, axis=1, keepdims=True)
        up = np.array([0.0, 0.0, 1.0])
        unit = to_gltf_axes(np.where(length > 1e-6, normals / np.where(length > 0, length, 1), up))
        if self.encoding.rounding_m == 0:
            return self.builder.add_accessor(unit.astype(np.float32))
        self.builder.use_extension("KHR_mesh_quantization", required=True)
        return self.builder.add_accessor(np.rint(unit * 127).astype(np.int8), normalized=True)

    def _indices(self, indices: NDArray[np.integer], vertex_count: int, mode: int = TRIANGLES) -> int:
        dtype = np.uint16 if vertex_count <= STEPS else np.uint32
        triangles = mode == TRIANGLES
        return self.builder.add_accessor(indices.astype(dtype), target=ELEMENT_ARRAY_BUFFER, triangles=triangles)

    def _material(self, name: str) -> int:
        for index, known in enumerate(self.builder.json.get("materials", [])):
            if known["name"] == name:
                return index
        material: Json = {"name": name, "pbrMetallicRoughness": {"metallicFactor": 0.0, "roughnessFactor": 0.9}}
        if name == _LINE:
            material["extensions"] = {"KHR_materials_unlit": {}}
            self.builder.use_extension("KHR_materials_unlit")
        else:
            material["doubleSided"] = True
        if name == _GLASS:
            material["alphaMode"] = "BLEND"
        return self.builder.add("materials", material)
