"""`IfcChecker`: one IFC file against its schema and the agreements about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bim.files import is_ifc_file, plain_file, schema_of

if TYPE_CHECKING:
    from pathlib import Path

    from scenes.problems import Problem
    from scenes.sources import Source

_HEAD = 65_536


class IfcChecker:
    """Checks IFC files, plain or zipped."""

    name = "ifc"
    guarded = True

    def supports(self, source: Source) -> bool:
        """Say whether the source is an IFC file."""
        return is_ifc_file(source)

    def check(self, source: Source) -> list[Problem]:
        """Return every breach of the schema and of the agreements.

        Raises
        ------
        SourceError
            When the file cannot be read at all.
        """
        with plain_file(source.file) as path:
            return _checked(path)


def _checked(path: Path) -> list[Problem]:
    import ifcopenshell  # noqa: PLC0415 - slow to import

    from bim.checking.agreements import check_agreements, check_version  # noqa: PLC0415
    from bim.checking.schema import check_schema  # noqa: PLC0415
    from bim.checking.units import check_units  # noqa: PLC0415

    with path.open("rb") as file:
        schema = schema_of(file.read(_HEAD).decode("latin-1"))
    try:
        model = ifcopenshell.open(str(path))
    except ifcopenshell.SchemaError:
        return list(check_version(schema))
    return [*check_schema(model), *check_agreements(model, schema), *check_units(model)]
