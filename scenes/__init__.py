"""The scene graph: objects, identity, georeference, geometry, store, tiles and exports.

The ground floor: it knows no file format of the trades, no network and no window.
"""

from __future__ import annotations

from scenes.errors import (
    CityTwinError,
    ConnectionLostError,
    GeoreferenceError,
    LoadError,
    MissingLibraryError,
    MissingSourceError,
    PackageError,
    QueryError,
    SimulationError,
    SourceError,
    UnknownObjectError,
    UnsupportedError,
)
from scenes.field import Field
from scenes.georeference import Georeference
from scenes.mesh import Instances, MeshSet
from scenes.model import Batch, CityObject, Layer, Scene
from scenes.problems import Problem, Problems
from scenes.relations import Relation, relation_table
from scenes.saving import save
from scenes.store import open_package as open  # noqa: A004

__all__ = [
    "Batch",
    "CityObject",
    "CityTwinError",
    "ConnectionLostError",
    "Field",
    "Georeference",
    "GeoreferenceError",
    "Instances",
    "Layer",
    "LoadError",
    "MeshSet",
    "MissingLibraryError",
    "MissingSourceError",
    "PackageError",
    "Problem",
    "Problems",
    "QueryError",
    "Relation",
    "Scene",
    "SimulationError",
    "SourceError",
    "UnknownObjectError",
    "UnsupportedError",
    "open",
    "relation_table",
    "save",
]
