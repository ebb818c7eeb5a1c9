"""`BimLoader`: IFC files as batches of the scene graph."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from bim.assembly import by_name, make_batch, source_ids, uids_of
from bim.cache import Cache, default_folder, key_of
from bim.contents import APART, Contents
from bim.decision import located, placed
from bim.duplicates import repeated
from bim.extents import container_bounds, with_container_bounds
from bim.files import is_ifc, plain_file
from bim.footprints import with_footprints
from bim.instancing import Shapes
from bim.members import members
from bim.pictures import read_pictures
from bim.records import read_table
from bim.supervisor import Limits, extract
from scenes.errors import CityTwinError, LoadError, UnsupportedError
from scenes.model import BATCH_ROWS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bim.members import Member
    from bim.placing import Placing
    from bim.supervisor import Extract
    from scenes.loading import Ground, LoadContext, Location
    from scenes.model import Batch, Layer
    from scenes.problems import Problems
    from scenes.sources import Source


@dataclass(frozen=True, slots=True)
class BimLoader:
    """Reads IFC 2x3, 4 and 4x3, plain or zipped, in worker processes.

    Parameters
    ----------
    limits
        What the worker processes may use.
    """

    limits: Limits = field(default_factory=Limits)
    name: str = "bim"
    stage: int = 1

    def supports(self, source: Source) -> bool:
        """Say whether the source is an IFC file, by its name or its first bytes."""
        return is_ifc(source.file)

    def locate(self, source: Source) -> Location | None:
        """Return where the model lies by its own statement, None if it makes none or the user places it."""
        _unshifted(source)
        with members(source) as parts:
            failed: list[CityTwinError] = []
            for part in parts:
                try:
                    found = located(part.source)
                except CityTwinError as error:
                    failed.append(part.named(error))
                else:
                    if found is not None:
                        return found
            if len(failed) == len(parts):
                raise failed[0]
            return None

    def surface(self, source: Source, context: LoadContext) -> Ground | None:  # noqa: ARG002 - the loader protocol
        """Return None: a building model is no terrain."""
        return None

    def load(self, source: Source, context: LoadContext) -> Iterator[tuple[Layer, Batch]]:
        """Yield the model's batches: elements, spaces, groups, schedules, and lines each in a layer of its own.

        Raises
        ------
        SourceError, GeoreferenceError
            With one sentence when nothing can be loaded; smaller troubles go to ``context.problems``.
        """
        _unshifted(source)
        with members(source) as parts:
            sources = (*(part.source for part in parts), *(each for each in context.sources if each != source))
            inner = replace(context, sources=sources) if len(parts) > 1 or parts[0].source != source else context
            failed: list[CityTwinError] = []
            made: list[Batch] = []
            for part in parts:
                try:
                    for layer, batch in self._one(part, inner):
                        made.append(batch)
                        yield layer, batch
                except CityTwinError as error:
                    failed.append(part.named(error))
            context.problems.extend(list(repeated(made)) if len(parts) > 1 else [])
            if len(failed) == len(parts):
                raise failed[0]
            for each in failed:
                context.problems.add("error", each.where, "model-left-out", f"left out: {each.what}", each.advice)

    def _one(self, part: Member, context: LoadContext) -> Iterator[tuple[Layer, Batch]]:
        """Yield the batches of one model."""
        with tempfile.TemporaryDirectory(prefix="citytwin-bim-") as folder:
            placing = placed(part.source, context)
            cache = Cache(default_folder())
            key = key_of(part.source.file, part.schema)
            found = cache.find(key)
            if found is None:
                with plain_file(part.source.file) as path:
                    found = extract(path, Path(folder), self.limits, context.progress, part.schema)
                cache.keep(key, found)
            if part.schema:
                message = f"read as if its header named {part.schema}"
                context.problems.add("info", part.source.file.name, "schema-read-as", message)
            yield from _batches(part, found, placing, context.problems)


def _batches(part: Member, found: Extract, placing: Placing, problems: Problems) -> Iterator[tuple[Layer, Batch]]:
    source = part.source
    tree = read_table(found.tree)
    if not tree.num_rows:
        raise LoadError(source.path, "the model holds no project and no objects", "export it again")
    shapes = Shapes(found.chunks, placing, read_pictures(found.tree.parent, part.home, problems))
    problems.extend(by_name([*found.problems, *shapes.strays()], tree))
    ids = source_ids(tree, problems)
    uids = uids_of(source.namespace, ids)
    contents = Contents(source, found.tree.parent, tree, uids, placing)
    made: list[tuple[Layer, Batch]] = []
    for layer, rows in contents.layers():
        made += [
            (layer, make_batch(tree, (ids, uids), rows[first : first + BATCH_ROWS], shapes, contents))
            for first in range(0, len(rows), BATCH_ROWS)
        ]
    made = list(zip([layer for layer, _ in made], with_footprints([batch for _, batch in made]), strict=True))
    boxes = container_bounds([batch for layer, batch in made if not layer.name.endswith(APART)])
    for layer, batch in made:
        yield layer, with_container_bounds(batch, boxes)


def _unshifted(source: Source) -> None:
    """Refuse a shift of the map datum: what a model says of its place is no place on a shifted map."""
    if source.datum_shift:
        what = f"is a building model, from which no shift of {source.datum_shift} is taken off"
        raise UnsupportedError(source.shown, what, "place it with --place FILE=E,N,H,ANGLE")
