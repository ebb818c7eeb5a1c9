"""The same element in two models: reported, since both are kept and would be counted and drawn twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from scenes.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from scenes.model import Batch, Scene
    from scenes.sources import Source

# What models of one project share on purpose.
_SHARED = ("IfcProject", "IfcSite", "IfcBuilding", "IfcBuildingStorey", "IfcGrid", "IfcAlignment", "IfcSpatialZone")
_COLUMNS = ("global_id", "name", "source")


def review(scene: Scene, sources: Sequence[Source]) -> list[Problem]:  # noqa: ARG001 - the protocol of a review
    """Return one finding for each element whose GlobalId stands in several files; it names two of them."""
    return list(repeated(batch for layer in scene.layers.values() for batch in layer.batches))


def repeated(batches: Iterable[Batch]) -> Iterator[Problem]:
    """Yield one finding for each element of some batches whose GlobalId stands in several files."""
    parts = [part for batch in batches if (part := _elements(batch)) is not None]
    if not parts:
        return
    table = pa.concat_tables(parts)
    found = table.group_by("global_id").aggregate([("source", "count_distinct"), ("source", "min"), ("source", "max")])
    found = found.filter(pc.greater(found["source_count_distinct"], 1))
    names = dict(zip(table["global_id"].to_pylist(), table["name"].to_pylist(), strict=True)) if len(found) else {}
    for row in found.sort_by("global_id").to_pylist():
        shown = f"{row['global_id']} ({names[row['global_id']]})" if names[row["global_id"]] else row["global_id"]
        message = f"the element {shown} is in {row['source_min']} too; both are kept"
        advice = "leave it out of one of the models, or leave out one of the files"
        yield Problem("warning", row["source_max"], "element-in-two-files", message, advice)


def _elements(batch: Batch) -> pa.Table | None:
    """Return GlobalId, name and file of the elements of a batch that came from a model."""
    if "ifc_class" not in batch.table.column_names:
        return None
    mine = batch.aliases.filter(pc.equal(batch.aliases["scheme"], "ifc"))
    rows = batch.table.take(mine["row"])
    table = pa.table([mine["value"], rows["name"], rows["source"]], names=list(_COLUMNS))
    return table.filter(pc.invert(pc.is_in(rows["ifc_class"], pa.array(_SHARED))))
