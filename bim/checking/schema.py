"""IFC models against the EXPRESS schema: types, cardinalities, enumerations, and on demand its where rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scenes.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST_LONG = 240
_ADVICE = "correct it in the authoring tool and export again"


def check_schema(model: Any) -> Iterator[Problem]:
    """Yield what the validator of the IFC library says, one finding a statement."""
    import ifcopenshell.validate  # noqa: PLC0415 - slow to import

    validator: Any = ifcopenshell.validate
    log = validator.json_logger()
    validator.validate(model, log)
    for statement in log.statements:
        element: Any = statement.get("instance")
        where = f"#{element.id()} {element.is_a()}" if hasattr(element, "is_a") else str(element or "schema")
        attribute = statement.get("attribute")
        message = " ".join(str(statement.get("message", "")).split())[:_MOST_LONG]
        named = f"{attribute}: {message}" if attribute else message
        yield Problem("error", where[:120], "ifc-schema", named, _ADVICE)
