"""Checks what a caller gives to a simulation, and says in one sentence what is wrong with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scenes import MissingLibraryError, SimulationError
from twin.whatif.units import read_quantity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from twin.whatif.protocol import Port, Spec


def checked_inputs(spec: Spec, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return every input of the spec: given or default, in the unit of its port, valid by its schema.

    Raises
    ------
    SimulationError
        When an input is unknown, missing, in a wrong unit or outside its schema.
    """
    known = {port.name: port for port in spec.inputs}
    for name in given:
        if name not in known:
            raise SimulationError(spec.id, f"has no input '{name}'", f"it takes {', '.join(known) or 'none'}")
    checked: dict[str, Any] = {}
    for name, port in known.items():
        if given.get(name) in (None, ""):  # an empty field of a form is a field that was not filled in
            if port.required:
                raise SimulationError(spec.id, f"input '{name}'{_unit_of(port)} is missing", port.doc)
            checked[name] = port.default
            continue
        checked[name] = _checked(spec, port, given[name])
    return checked


def _checked(spec: Spec, port: Port, given: object) -> object:
    where = f"{spec.id}: input '{port.name}'{_unit_of(port)}"
    wants_number = _types(port) & {"number", "integer"}
    value = _number(read_quantity(given, port.unit)) if wants_number else given
    error = _first_error(value, port.schema)
    if error:
        raise SimulationError(where, error, port.doc)
    return value


def _number(value: object) -> object:
    """Return a whole float as int and a numeric text as a number, so that forms and command lines work."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return value
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _types(port: Port) -> set[str]:
    kind = port.schema.get("type", [])
    return {kind} if isinstance(kind, str) else set(kind)


def _first_error(value: object, schema: Mapping[str, Any]) -> str:
    try:
        import jsonschema  # noqa: PLC0415 - only needed when something runs
    except ImportError as error:
        raise MissingLibraryError(
            "jsonschema", "is needed to check the inputs of simulations", "pip install 'citytwin[sim]'"
        ) from error
    validator = jsonschema.Draft202012Validator(
        dict(schema), format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    )
    found = next(iter(validator.iter_errors(value)), None)
    return "" if found is None else str(found.message)


def _unit_of(port: Port) -> str:
    return f" [{port.unit}]" if port.unit != "1" else ""
