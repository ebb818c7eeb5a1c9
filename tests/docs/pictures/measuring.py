"""Pictures of measuring and analysing."""

from __future__ import annotations

from tests.docs.pictures.studio import Sitting, Studio, shot

GROUND = 4.7


def _ended(page: Sitting, key: str, *points: tuple[float, float, float]) -> None:
    page.press(key)
    for point in points:
        page.click(point)
    page.press("Enter", key)


@shot("measure-en.webp")
def measure(studio: Studio) -> None:
    """A distance, an area, a height and a volume in one view."""
    page = studio.open("en", at=((575, -330, 230), (600, -20, 0)))
    _ended(page, "1", (520, -120, GROUND), (700, -120, GROUND))
    _ended(page, "3", (500, -70, GROUND), (545, -70, GROUND), (545, 0, GROUND), (500, 0, GROUND))
    _ended(page, "5", (640, -160, GROUND), (600, -180, GROUND), (640, -200, GROUND))
    _ended(page, "2", (575, -66, GROUND), (575, -34, 28.0))
    _ended(page, "4", (640, -80, GROUND), (720, -80, GROUND), (720, -20, GROUND), (640, -20, GROUND))
    page.keep("measure-en.webp")


@shot("profile-en.webp")
def profile(studio: Studio) -> None:
    """Ground and roofs along a line through the towers."""
    page = studio.open("en", at=((1000, -900, 900), (1050, 100, 0)))
    _ended(page, "6", (560, -150, GROUND), (1650, 250, GROUND))
    page.keep("profile-en.webp")


@shot("sight-zh.webp")
def sight(studio: Studio) -> None:
    """A line of sight, and the house that stands in its way."""
    page = studio.open("zh", at=((560, -620, 420), (760, 20, 20)))
    _ended(page, "7", (430, -180, GROUND), (1100, 160, GROUND))
    page.keep("sight-zh.webp")


@shot("viewshed-zh.webp")
def viewshed(studio: Studio) -> None:
    """What can be seen from the square of the library."""
    page = studio.open("zh", at=((520, -700, 520), (600, -20, 0)))
    page.press("8")
    page.click((530, -90, GROUND))
    page.until("app.shell.tools.viewshed.found")
    page.keep("viewshed-zh.webp")


@shot("limit-en.webp")
def limit(studio: Studio) -> None:
    """A body of glass over some blocks, and what stands out of it."""
    page = studio.open("en", at=((520, -720, 520), (900, 20, 40)))
    page.press("9")
    for corner in ((700, -200, GROUND), (1100, -200, GROUND), (1100, 140, GROUND), (700, 140, GROUND)):
        page.click(corner)
    page.press("Enter")
    page.until("app.shell.tools.limit.found")
    page.keep("limit-en.webp")


@shot("skyline-zh.webp")
def skyline(studio: Studio) -> None:
    """The skyline from the west bank of the lake, of the city and of the proposal."""
    page = studio.open("zh", at=((-900, 700, 60), (300, 350, 60)))
    page.press("^")
    page.page.get_by_role("button", name="当前视图").click()
    page.until("app.shell.tools.skyline.outlines.length > 0")
    page.page.locator(".skyline-card select").select_option("south-slab")
    page.until("app.shell.tools.skyline.outlines.length > 1")
    page.keep("skyline-zh.webp")
