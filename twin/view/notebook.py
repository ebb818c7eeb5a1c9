"""`view`: the browser viewer in a notebook cell."""

from __future__ import annotations

import tempfile
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scenes.tiles import publish

if TYPE_CHECKING:
    from scenes import Scene
    from twin.view.component import CityView


def view(scene: Scene, *, height: int = 640, **options: Any) -> CityView:
    """Return the viewer of a scene, to be the last line of a notebook cell.

    Tiles travel over the notebook's own message channel, so no port has to be reachable. They lie in a
    temporary folder that goes with the view.

    Parameters
    ----------
    scene
        The city.
    height
        Height of the cell's output in pixels.
    options
        Passed to `CityView`, such as ``language="en"`` and ``theme="dark"``.
    """
    import panel as pn  # noqa: PLC0415 - takes a second

    from twin.view.component import CityView  # noqa: PLC0415

    pn.extension()
    folder = tempfile.TemporaryDirectory(prefix="citytwin-")
    publish(scene, Path(folder.name))
    made = CityView(
        scene, tiles=folder.name, height=height, sizing_mode=options.pop("sizing_mode", "stretch_width"), **options
    )
    weakref.finalize(made, folder.cleanup)
    return made
