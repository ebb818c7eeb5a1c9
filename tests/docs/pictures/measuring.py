"""Pictures of measuring and analysing."""

from __future__ import annotations

from tests.docs.pictures.studio import Sitting, Studio, shot

GROUND = 4.7


def _ended(page: Sitting, key: str, *points: tuple[float, float, float]) -> None:
    """Take one measurement: the key of its tool, its points, its end."""
    done = page.ask("app.shell.tools.measure.finished.length")
    page.press(key)
    page.mark(*points)
    if page.ask("app.shell.tools.measure.finished.length") == done:
        page.press("Enter")
        page.until(f"app.shell.tools.measure.finished.length > {done}")
    page.press(key)


@shot("measure-en.webp")
def measure(studio: Studio) -> None:
    """A distance, an area, a height, a volume and an angle in one view."""
    page = studio.open("en", at=((545, -265, 215), (556, -62, 0)))
    _ended(page, "4", (555, -58, GROUND), (595, -58, GROUND), (595, -4, GROUND), (555, -4, GROUND))
    _ended(page, "3", (548, -100, GROUND), (600, -100, GROUND), (600, -66, GROUND), (548, -66, GROUND))
    _ended(page, "1", (540, -112, GROUND), (605, -112, GROUND))
    _ended(page, "5", (545, -118, GROUND), (545, -140, GROUND), (575, -140, GROUND))
    _ended(page, "2", (620, -78, GROUND), (628, -64, 93.0))
    page.keep("measure-en.webp")


@shot("profile-en.webp")
def profile(studio: Studio) -> None:
    """Ground and roofs along a line through the towers."""
    page = studio.open("en", at=((900, -900, 900), (950, 100, 0)))
    _ended(page, "6", (668, -70, GROUND), (1480, -60, GROUND))
    page.keep("profile-en.webp")


@shot("sight-zh.webp")
def sight(studio: Studio) -> None:
    """Whether the landmark can be seen from the square of the library, and the tower that stands in the way."""
    page = studio.open("zh", at=((300, -600, 400), (706, -6, 80)))
    _ended(page, "7", (560, -110, GROUND), (1240, 115, 200))
    page.keep("sight-zh.webp")


@shot("viewshed-zh.webp")
def viewshed(studio: Studio) -> None:
    """What can be seen from the square of the library."""
    page = studio.open("zh", at=((520, -700, 520), (600, -20, 0)))
    page.press("8")
    page.mark((530, -90, GROUND))
    page.until("app.shell.tools.viewshed.found")
    page.keep("viewshed-zh.webp")


@shot("limit-en.webp")
def limit(studio: Studio) -> None:
    """A body of glass over a block, and what stands out of it."""
    page = studio.open("en", at=((680, -560, 520), (730, -115, 0)))
    page.press("9")
    page.mark((690, -210, GROUND), (873, -210, GROUND), (873, -20, GROUND), (690, -20, GROUND))
    page.press("Enter")
    page.until("app.shell.tools.limit.found")
    page.keep("limit-en.webp")


@shot("skyline-zh.webp")
def skyline(studio: Studio) -> None:
    """The skyline from the meadows in the south-west, of the city and of the proposal."""
    page = studio.open("zh", at=((-1300, 720, 30), (-940, 1018, 45)))
    page.press("^")
    page.page.get_by_role("button", name="当前视角").click()
    page.until("app.shell.tools.skyline.outlines.length > 0")
    page.page.locator(".skyline-card select").select_option("south-slab")
    page.until("app.shell.tools.skyline.outlines.length > 1")
    page.keep("skyline-zh.webp")
