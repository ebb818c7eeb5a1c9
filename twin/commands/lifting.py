"""The option ``--lift LAYER=CLOUD`` of ``twin build``: heights of buildings from a point cloud."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from scenes.errors import CityTwinError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from scenes import Problems, Scene

_FORM = "LAYER=CLOUD"


def lift_option(parser: argparse.ArgumentParser) -> None:
    """Add the option to a parser."""
    parser.add_argument(
        "--lift",
        action="append",
        default=[],
        metavar=_FORM,
        help="raise the footprints of a layer to the heights of a point cloud (LAS, LAZ, COPC, EPT)",
    )


def lift_clouds(options: argparse.Namespace) -> list[tuple[str, str]]:
    """Return (layer, cloud) of each use of the option.

    Raises
    ------
    CityTwinError
        When one is not written as LAYER=CLOUD.
    """
    pairs = [text.partition("=")[::2] for text in getattr(options, "lift", [])]
    for layer, cloud in pairs:
        if not layer or not cloud:
            raise CityTwinError(f"{layer}{cloud}", "is not written as --lift needs it", f"write --lift {_FORM}")
    return [(layer, cloud) for layer, cloud in pairs]


def lifted(
    scene: Scene, options: argparse.Namespace, problems: Problems, progress: Callable[[str, float], None]
) -> Scene:
    """Return the scene with every layer lifted that the options name."""
    clouds = lift_clouds(options)
    if not clouds:
        return scene
    from gis import lift  # noqa: PLC0415 - only when asked for

    systems = dict(text.rpartition("=")[::2] for text in options.source_crs)
    places = dict(text.rpartition("=")[::2] for text in options.place)
    for layer, cloud in clouds:
        crs, place = (_of(values, cloud) for values in (systems, places))
        scene = lift(scene, cloud, layer=layer, crs=crs, place=place, problems=problems, progress=progress)
    return scene


def _of(values: dict[str, str], path: str) -> str:
    return values.get(path) or values.get(Path(path).name, "")
