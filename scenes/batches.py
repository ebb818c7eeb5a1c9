"""Batches on their way into a scene: geometry that is made later, and geometry that waits in files.

A loader may yield a batch whose geometry is a `DeferredMeshes`: a recipe that another process can follow, so that
reading and meshing go on side by side. `finished` follows it, and puts what is large into a scratch file, so that the
process that assembles the city holds tables and names of files, however large the city is.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, SupportsIndex, cast

from scenes.mesh import MeshSet
from scenes.model import Batch, Layer
from scenes.points import CloudMeshes
from scenes.scratch import scratch_file
from scenes.store.meshes import StoredMeshes, write_meshes

if TYPE_CHECKING:
    from collections.abc import Callable

    Made = Callable[[], Mapping[str, MeshSet]]

KEPT_BYTES = 1_000_000
"""Geometry up to this size stays with its batch; larger geometry goes to a file."""


class DeferredMeshes(Mapping[str, MeshSet]):
    """Geometry that is made when it is first touched; travels between processes as its recipe.

    Parameters
    ----------
    recipe
        Makes the geometry by level of detail, the same each time; must pickle.
    """

    def __init__(self, recipe: Made | bytes | memoryview) -> None:
        """Make nothing yet; a recipe that travelled is unpacked by who follows it, not by who passes it on."""
        self._recipe = recipe

    @cached_property
    def made(self) -> Mapping[str, MeshSet]:
        """The geometry."""
        return _followed(self._recipe)

    def __getitem__(self, level: str) -> MeshSet:
        """Return the geometry at a level."""
        return self.made[level]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the levels of detail."""
        return iter(self.made)

    def __len__(self) -> int:
        """Return the number of levels."""
        return len(self.made)

    def __reduce_ex__(self, protocol: SupportsIndex) -> tuple[Any, ...]:
        """Travel as the packed recipe."""
        recipe = self._recipe
        packed = recipe if isinstance(recipe, bytes | memoryview) else pickle.dumps(recipe, protocol=5)
        return type(self), (pickle.PickleBuffer(packed) if int(protocol) >= 5 else bytes(packed),)


def _followed(recipe: Made | bytes | memoryview) -> Mapping[str, MeshSet]:
    if isinstance(recipe, bytes | memoryview):
        recipe = cast("Made", pickle.loads(recipe))  # noqa: S301 - from our own process
    return recipe()


def is_deferred(item: object) -> bool:
    """Say whether something that a loader yields is a batch whose geometry is not made yet."""
    return isinstance(item, tuple) and len(item) == 2 and isinstance(getattr(item[1], "meshes", None), DeferredMeshes)


def settled(item: Any) -> Any:
    """Return what a loader yields with its batch `finished`; anything else as it is."""
    match item:
        case (Layer() as layer, Batch() as batch):
            return layer, finished(batch)
    return item


def finished(batch: Batch) -> Batch:
    """Return the batch with its geometry made, its bounds filled in, and large geometry in a scratch file."""
    if isinstance(batch.meshes, DeferredMeshes):
        batch = replace(batch, meshes=batch.meshes.made)
    if isinstance(batch.meshes, StoredMeshes | CloudMeshes):
        return batch.with_bounds()
    batch = batch.with_bounds()
    if sum(mesh.nbytes for mesh in batch.meshes.values()) <= KEPT_BYTES:
        return batch
    return replace(batch, meshes=_in_a_file(batch.meshes))


def _in_a_file(meshes: Mapping[str, MeshSet]) -> StoredMeshes:
    file = scratch_file(".parquet")
    content_hash = write_meshes(meshes, file)
    counts = {level: mesh.triangle_count for level, mesh in meshes.items()}
    return StoredMeshes(file, content_hash, counts, bounds_known=True)
