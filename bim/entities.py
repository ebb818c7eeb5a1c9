"""Worker side: small questions to an open model that never fail, whatever schema it has and however broken it is."""

# ruff: noqa: PLC0415 - the IFC library is imported where it is used, in the worker only
from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, TypeVar

from bim.step import repair_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Thing = TypeVar("Thing")

# What reading a broken entity can raise; more cannot be told, and the rest of the model is read.
READ_ERRORS = (ArithmeticError, AttributeError, IndexError, KeyError, RuntimeError, TypeError, ValueError)


class Careful:
    """Reads one thing after another and keeps what was odd; a thing that cannot be read costs only itself.

    Examples
    --------
    >>> careful = Careful()
    >>> careful.read("the numbers", lambda: [1 // 0], [])
    []
    >>> careful.oddities
    [('', 'contents-unreadable', 'the numbers cannot be read (integer division or modulo by zero)')]
    """

    def __init__(self) -> None:
        self.oddities: list[tuple[str, str, str]] = []

    def read(self, what: str, reader: Callable[[], Thing], otherwise: Thing) -> Thing:
        """Return what `reader` returns, `otherwise` if the model is too broken for it."""
        try:
            return reader()
        except READ_ERRORS as error:
            self.note("", "contents-unreadable", error, what)
            return otherwise

    def by_number(self, what: str, reader: Callable[[], dict[int, Thing]]) -> dict[int, Thing]:
        """Return what `reader` tells by entity number, nothing if the model is too broken for it."""
        return self.read(what, reader, {})

    def note(self, where: str, rule: str, error: Exception, what: str = "") -> None:
        """Keep that something cannot be read."""
        reason = " ".join(str(error).split()) or type(error).__name__
        self.oddities.append((where, rule, f"{what} cannot be read ({reason})".strip()[:200]))


def every(model: Any, name: str) -> list[Any]:
    """Return all entities of a class and its subtypes; none if the schema has no such class."""
    try:
        return list(model.by_type(name))
    except RuntimeError:
        return []


def every_of(model: Any, names: tuple[str, ...]) -> Iterator[Any]:
    """Yield all entities of some classes; one that is of two of them comes twice."""
    for name in names:
        yield from every(model, name)


def attribute(entity: Any, name: str) -> Any:
    """Return an attribute, None if the class has none of that name or it cannot be read."""
    try:
        return getattr(entity, name, None)
    except (RuntimeError, UnicodeDecodeError):
        return None


def text_of(value: object) -> str:
    """Return a value as clean text, empty for None."""
    if value is None:
        return ""
    text = str(value)
    return (text if text.isascii() else repair_text(text)).strip()


def text_at(entity: Any, name: str) -> str:
    """Return an attribute as clean text, empty if there is none; typed values are unwrapped."""
    value = attribute(entity, name)
    return text_of(getattr(value, "wrappedValue", value))


def number_at(entity: Any, name: str) -> float | None:
    """Return an attribute as a finite number, None if it is not one; typed values are unwrapped."""
    value = attribute(entity, name)
    value = getattr(value, "wrappedValue", value)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return None
    return float(value)


def list_at(entity: Any, name: str) -> list[Any]:
    """Return an attribute as a list of entities, without the empty places; one entity becomes a list of one."""
    value = attribute(entity, name)
    if value is None:
        return []
    return [each for each in (value if isinstance(value, (tuple, list)) else (value,)) if each is not None]


def supertypes(schema: str, name: str) -> list[str]:
    """Return a class of a schema and its supertypes, from special to general."""
    import ifcopenshell.ifcopenshell_wrapper as wrapper

    declaration = wrapper.schema_by_name(schema).declaration_by_name(name).as_entity()
    found = []
    while declaration is not None:
        found.append(declaration.name())
        declaration = declaration.supertype()
    return found


def plain(value: Any) -> Any:
    """Return a value as JSON can hold it, None where there is none."""
    value = getattr(value, "wrappedValue", value)
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, str):
        return text_of(value)
    if isinstance(value, (tuple, list)):
        return [plain(each) for each in value]
    return text_of(value.is_a()) if hasattr(value, "is_a") else text_of(value)
