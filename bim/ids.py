"""Audits of IFC models against an IDS file (buildingSMART Information Delivery Specification 1.0).

The only door to ifctester. An audit runs in a reader process like any other checker (`scenes.guard`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bim.files import is_ifc_file, plain_file
from scenes.errors import LoadError, MissingLibraryError, MissingSourceError
from scenes.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scenes.sources import Source

_LARGEST = 64 << 20
_MOST_EACH = 200
_ADVICE = "complete the model in the authoring tool and export again"


@dataclass(slots=True)
class IdsChecker:
    """Checks IFC files against the specifications of one IDS file.

    Parameters
    ----------
    ids
        Path of the IDS file.
    """

    ids: str
    name: str = "ids"
    guarded: bool = True

    def supports(self, source: Source) -> bool:
        """Say whether the source is an IFC file."""
        return is_ifc_file(source)

    def check(self, source: Source) -> list[Problem]:
        """Return a finding for each element that fails a requirement, and one for each specification that it breaks.

        Raises
        ------
        SourceError
            When the IDS or the IFC file cannot be read.
        """
        with plain_file(source.file) as path:
            return list(_audited(self.read(), path))

    def read(self) -> Any:
        """Return the parsed IDS.

        Raises
        ------
        MissingSourceError, LoadError, MissingLibraryError
            When the IDS file is not there, is no valid IDS 1.0, or ifctester is not installed.
        """
        return _parsed(Path(self.ids))


def _parsed(path: Path) -> Any:
    try:
        from ifctester import ids  # noqa: PLC0415 - optional and slow
    except ImportError as error:
        raise MissingLibraryError("ifctester", "is not installed", 'pip install "citytwin[bim]"') from error
    if not path.is_file():
        raise MissingSourceError(path, "there is no such file", "check the path")
    if path.stat().st_size > _LARGEST:
        raise LoadError(path, "is larger than 64 MB, which no IDS is", "check the path")
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise LoadError(path, "declares entities, which an IDS does not need", "export it again without them")
    try:
        return ids.from_string(text, validate=True)
    except Exception as error:  # the XML and schema libraries each have their own tree
        reason = " ".join(str(error).split())[:200]
        raise LoadError(path, f"is no valid IDS 1.0 ({reason})", "correct it in an IDS editor") from error


def _audited(ids: Any, path: Path) -> Iterator[Problem]:
    import ifcopenshell  # noqa: PLC0415 - slow to import

    model = ifcopenshell.open(str(path))
    ids.validate(model)
    for specification in ids.specifications:
        if not specification.is_ifc_version:
            message = f"is meant for {', '.join(specification.ifcVersion)}, not for {model.schema_identifier}"
            yield Problem("info", specification.name, "ids-version", message)
        if not specification.status:
            yield from _breaches(specification)


def _breaches(specification: Any) -> Iterator[Problem]:
    name = specification.name
    if specification.minOccurs != 0 and not specification.applicable_entities:
        yield Problem("error", name, "ids-missing", "nothing in the model is what this specification requires", _ADVICE)
        return
    if specification.maxOccurs == 0:
        for element in specification.applicable_entities[:_MOST_EACH]:
            yield Problem("error", _named(element), "ids-prohibited", f"{name}: may not be in the model", _ADVICE)
        return
    for requirement in specification.requirements:
        wanted = requirement.to_string("requirement", specification, requirement)
        for failure in requirement.failures[:_MOST_EACH]:
            message = f"{name}: {wanted} ({' '.join(str(failure['reason']).split())})"
            yield Problem("error", _named(failure["element"]), "ids-requirement", message[:400], _ADVICE)
        more = len(requirement.failures) - _MOST_EACH
        if more > 0:
            yield Problem("error", name, "ids-requirement", f"{more} more elements fail: {wanted}", _ADVICE)


def _named(element: Any) -> str:
    guid, name = getattr(element, "GlobalId", None), getattr(element, "Name", None)
    return " ".join(str(part) for part in (guid or f"#{element.id()}", element.is_a(), name) if part)
