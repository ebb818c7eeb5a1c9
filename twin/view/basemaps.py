"""What a page is told of a base map before it shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scenes import CityTwinError
from twin.view.sentences import text_in

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def checked(check: Callable[[str], Mapping[str, Any]], name: str, language: str) -> dict[str, Any]:
    """Return what a server says of a base map.

    Raises
    ------
    CityTwinError
        In the language of the page, where the map cannot be shown.
    """
    try:
        return dict(check(name))
    except CityTwinError as error:
        if language == "en":
            raise
        what, advice = (text_in(part) or part for part in (error.what, error.advice))
        raise CityTwinError(error.where, what, advice) from error
