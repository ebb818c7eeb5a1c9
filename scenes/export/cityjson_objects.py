"""The objects of a scene as CityJSON: names, types, parents, attributes, addresses and groups, without geometry."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from scenes.export.cityjson_values import plain
from scenes.schema import attribute_names, properties_of

if TYPE_CHECKING:
    from scenes.model import Batch, Scene

    Json = dict[str, Any]

# Names that CityJSON writes differently from CityGML; what it does not know becomes a GenericCityObject.
_RENAMED = {"Storey": "BuildingStorey", "ReliefFeature": "TINRelief", "Square": "TransportSquare", "Track": "Road"}
_FIRST = frozenset(
    {"Bridge", "Building", "CityFurniture", "CityObjectGroup", "GenericCityObject", "LandUse", "OtherConstruction",
     "PlantCover", "Railway", "Road", "SolitaryVegetationObject", "TINRelief", "TransportSquare", "Tunnel", "WaterBody",
     "Waterway"}
)  # fmt: skip
# Second-level objects and the first words of the types that may be their parents.
_SECOND = {
    "BridgeConstructiveElement": "Bridge", "BridgeFurniture": "Bridge", "BridgeInstallation": "Bridge",
    "BridgePart": "Bridge", "BridgeRoom": "Bridge", "BuildingConstructiveElement": "Building",
    "BuildingFurniture": "Building", "BuildingInstallation": "Building", "BuildingPart": "Building",
    "BuildingRoom": "Building", "BuildingStorey": "Building", "BuildingUnit": "Building",
    "TunnelConstructiveElement": "Tunnel", "TunnelFurniture": "Tunnel", "TunnelHollowSpace": "Tunnel",
    "TunnelInstallation": "Tunnel", "TunnelPart": "Tunnel",
}  # fmt: skip
_ADDRESSED = frozenset({"Bridge", "BridgePart", "Building", "BuildingPart", "BuildingUnit"})
_FIXED = ("uid", "kind", "name", "parent", "properties")


def objects_of(scene: Scene) -> tuple[dict[str, str], dict[str, Json]]:
    """Return the name of each uid in the document, and the objects by name."""
    keys = _keys(scene)
    objects: dict[str, Json] = {}
    for name, layer in scene.layers.items():
        for batch in layer.batches:
            objects.update(_batch_objects(batch, name, keys))
    _settle_types(objects)
    _tie_groups(scene, keys, objects)
    return keys, objects


def _keys(scene: Scene) -> dict[str, str]:
    """Return the name of each uid: its id in the source where no other object has it, else itself."""
    pairs = [
        pair
        for layer in scene.layers.values()
        for pair in zip(layer.table["uid"].to_pylist(), layer.table["source_id"].to_pylist(), strict=True)
    ]
    counts = Counter(source_id for _, source_id in pairs)
    uids = {uid for uid, _ in pairs}
    return {uid: own if own and counts[own] == 1 and own not in uids else uid for uid, own in pairs}


def _batch_objects(batch: Batch, layer: str, keys: dict[str, str]) -> dict[str, Json]:
    """Return the objects of a batch by name, with attributes, without geometry."""
    table = batch.table
    columns = {name: table[name].to_pylist() for name in attribute_names(table)}
    types = columns.get("cityjson_type") or [None] * len(batch)
    rows = zip(*(table[name].to_pylist() for name in _FIXED), strict=True)
    objects: dict[str, Json] = {}
    for row, (uid, kind, name, parent, properties) in enumerate(rows):
        attributes: Json = {"uid": uid, "layer": layer, **({"name": name} if name else {})}
        attributes.update(
            {key: plain(values[row]) for key, values in columns.items() if values[row] is not None and key != "lod"}
        )
        item: Json = {"type": _type(kind, types[row]), "attributes": attributes}
        item["parents"] = [keys.get(parent, parent)]
        _add_properties(item, properties_of(properties))
        if kind != kind_again(item["type"]):
            attributes["kind"] = kind
        if item["type"] == types[row]:
            del attributes["cityjson_type"]
        objects[keys[uid]] = item
    return objects


def _type(kind: str, own: str | None) -> str:
    """Return the type of an object: what the source called it where CityJSON knows that, else by its kind."""
    if own in _SECOND or own in _FIRST:
        return str(own)
    return _RENAMED.get(kind, kind)


def kind_again(name: str) -> str:
    """Return the kind that a reader takes from a type."""
    return {"BuildingStorey": "Storey", "TINRelief": "ReliefFeature", "TransportSquare": "Square"}.get(name, name)


def _add_properties(item: Json, groups: dict[str, Json]) -> None:
    """Put groups of properties among the attributes, rare attributes back to their own names, addresses apart."""
    attributes = item["attributes"]
    for name, values in groups.items():
        if item["type"] in _ADDRESSED and (name == "address" or name.startswith("address~")):
            item.setdefault("address", []).append(plain(values))
        elif name == "attributes" and isinstance(values, dict):
            attributes.update(plain(values))
        else:
            attributes[name if name not in attributes else f"{name}_parts"] = plain(values)


def _settle_types(objects: dict[str, Json]) -> None:
    """Give every object a type that CityJSON allows where it stands, and tie parents and children."""
    settled: set[str] = set()
    for name in objects:
        _settle(name, objects, settled)
    for name, item in objects.items():
        if "parents" in item:
            objects[item["parents"][0]].setdefault("children", []).append(name)


def _settle(name: str, objects: dict[str, Json], settled: set[str]) -> None:
    """Settle one object after its parents; a loop of parents is cut where it closes."""
    chain = [name]
    while (
        (above := objects[chain[-1]].get("parents", [None])[0]) in objects
        and above not in settled
        and above not in chain
    ):
        chain.append(above)
    for each in reversed(chain):
        if each not in settled:
            _settle_one(objects[each], objects, settled)
            settled.add(each)


def _settle_one(item: Json, objects: dict[str, Json], settled: set[str]) -> None:
    parent = item["parents"][0]
    family = _SECOND.get(item["type"])
    if family and parent in settled and objects[parent]["type"].startswith(family):
        return
    if item["type"] not in _FIRST:
        item["attributes"].setdefault("kind", kind_again(item["type"]))
        item["type"] = "GenericCityObject"
    if parent is not None:
        item["attributes"]["parent"] = parent
    del item["parents"]


def _tie_groups(scene: Scene, keys: dict[str, str], objects: dict[str, Json]) -> None:
    """Write relations: members of groups as children, all others as an attribute of the object they start from."""
    for layer in scene.layers.values():
        for batch in layer.batches:
            uids = batch.table["uid"].to_pylist()
            for relation in batch.relations.to_pylist():
                name = keys[uids[relation["row"]]]
                target = keys.get(relation["target"], relation["target"])
                if relation["kind"] == "member" and objects[name]["type"] == "CityObjectGroup" and target in objects:
                    objects[name].setdefault("children", []).append(target)
                    objects[name].setdefault("children_roles", []).append(relation["role"] or "")
                    objects[target].setdefault("parents", []).append(name)
                else:
                    tie = {"kind": relation["kind"], "target": target, "role": relation["role"] or ""}
                    objects[name]["attributes"].setdefault("relations", []).append(tie)
