"""Pictures of cuts: plane, box and trench."""

from __future__ import annotations

from tests.docs.pictures.studio import Studio, shot


@shot("section-en.webp")
def section(studio: Studio) -> None:
    """The library and its neighbours cut by an upright plane, filled where they are cut."""
    page = studio.open("en", at=((572, -112, 42), (568, -30, 13)))
    page.ask("app.setSection({axis: 'y', offset: -34, azimuth_deg: 0, flipped: true})")
    page.keep("section-en.webp")


@shot("section-box-zh.webp")
def box(studio: Studio) -> None:
    """Two towers in a turned box."""
    page = studio.open("zh", at=((640, -160, 190), (751, 69, 40)))
    page.ask("app.setSectionBox({centre: [751.1, 69.1, 40], half: [75, 60, 60], azimuth_deg: 25})")
    page.keep("section-box-zh.webp")


@shot("trench-en.webp")
def trench(studio: Studio) -> None:
    """A trench across a street with its pipes."""
    page = studio.open("en", at=((522, -32, 36), (522, 22, 1)))
    page.ask("app.setTrench({from: [500, 20, 4.7], to: [545, 20, 4.7], width_m: 14, depth_m: 7})")
    page.keep("trench-en.webp")
