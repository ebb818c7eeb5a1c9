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


def view(scene: Scene, *, height: int = 640, tiles: str | Path | None = None, **options: Any) -> CityView:
    """Return the viewer of a scene, to be the last line of a notebook cell.

    Scripts and tiles travel over the notebook's own message channel, so no port and no network has to be
    reachable. What is clicked is in `picked` of the view for the next cell; `selection`, `camera` and the rest follow
    a quarter of a second after the last change on the page.

    Parameters
    ----------
    scene
        The city.
    height
        Height of the cell's output in pixels.
    tiles
        Folder with tiles of this very scene that are published already, such as ``NAME.city/tiles``; None = they
        are published into a temporary folder that goes with the view.
    options
        Passed to `CityView`, such as ``language="en"`` and ``theme="dark"``.
    """
    import panel as pn  # noqa: PLC0415 - takes a second

    from twin.view.component import CityView  # noqa: PLC0415

    pn.extension(inline=True)  # the notebook gets the scripts from here, not from a CDN
    folder = None if tiles is not None else tempfile.TemporaryDirectory(prefix="citytwin-")
    if folder is not None:
        publish(scene, Path(folder.name))
    options.setdefault("sizing_mode", "stretch_width")
    made = CityView(scene, tiles=folder.name if folder else tiles, height=height, **options)
    if folder is not None:
        weakref.finalize(made, folder.cleanup)
    return made
