"""Methods of `Scene` that need the top floor: found by entry point, so that the ground never imports upward."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

from scenes.errors import MissingLibraryError

if TYPE_CHECKING:
    from scenes.model import Scene

GROUP = "scenes.views"


def call_view(name: str, scene: Scene, *arguments: object, **options: Any) -> Any:
    """Call the view that is registered as `name` in the entry point group ``scenes.views``.

    Raises
    ------
    MissingLibraryError
        When no installed package offers it, or a library that it needs is missing.
    """
    advice = "pip install 'citytwin[app]'"
    points = [point for point in entry_points(group=GROUP) if point.name == name]
    if not points:
        raise MissingLibraryError(f"scene view {name!r}", "no installed package offers it", advice)
    try:
        function = points[0].load()
    except ImportError as error:
        raise MissingLibraryError(f"scene view {name!r}", f"{error.name or error} is not installed", advice) from error
    return function(scene, *arguments, **options)
