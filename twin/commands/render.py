"""``twin render CITY OUT.png``: a picture without a window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import scenes
from scenes.errors import CityTwinError
from twin.commands.shared import common

if TYPE_CHECKING:
    import argparse


def add_parser(verbs: Any) -> None:
    """Add the verb to the command."""
    parser: argparse.ArgumentParser = verbs.add_parser("render", help="draw a picture (PyVista)")
    parser.add_argument("city")
    parser.add_argument("out", metavar="OUT.png")
    parser.add_argument("--camera", default="", metavar="X,Y,Z,TX,TY,TZ", help="eye and target in local metres")
    parser.add_argument("--field", default="", help="attribute column to colour by")
    parser.add_argument("--size", default="1600x900", metavar="WxH", help="pixels of the picture")
    common(parser, facts=False)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Draw the picture and print its path."""
    from twin.view.pyvista_scene import render  # noqa: PLC0415 - VTK takes seconds to import

    try:
        camera = tuple(float(part) for part in options.camera.split(",")) if options.camera else None
        width, height = (int(part) for part in options.size.lower().split("x"))
    except ValueError as error:
        raise CityTwinError(
            options.camera or options.size, "is not six numbers or WxH", "see twin render --help"
        ) from error
    if camera is not None and len(camera) != 6:
        raise CityTwinError(options.camera, "a camera is six numbers", "write X,Y,Z,TX,TY,TZ in local metres")
    print(render(scenes.open(options.city), options.out, camera=camera, field=options.field, size=(width, height)))
    return 0
