"""Pictures of selecting, colouring, drawing and editing."""

from __future__ import annotations

from tests.docs.pictures.studio import Studio, beside, shot

GROUND = 4.7


@shot("select-zh.webp")
def select(studio: Studio) -> None:
    """Towers above 120 m by a filter, with their figures."""
    page = studio.open("zh", at=((2150, -1500, 760), (900, 60, 60)))
    page.press("q")
    page.page.keyboard.type("height_m > 120 AND layer = 'buildings'")
    page.press("Enter")
    page.until("app.selection.size > 50")
    page.page.wait_for_timeout(600)
    page.keep("select-zh.webp")


@shot("lasso-en.webp")
def lasso(studio: Studio) -> None:
    """A free shape around blocks at the lake, and what is selected when the button is let go."""
    page = studio.open("en", at=((560, -1000, 620), (560, -250, 0)))
    page.ask("app.shell.showLeft(false)")
    page.press("g")
    x, y = page.spot((560, -300, GROUND))
    ring = [(0, -70), (120, -90), (220, -30), (200, 60), (90, 95), (-60, 70), (-110, 10), (-10, -68)]
    page.drag(*[(x + right, y + down) for right, down in ring])
    drawn = page.image((390, 66, 560, 610))
    page.page.mouse.up()
    page.until("app.selection.size > 3")
    page.page.wait_for_timeout(600)
    studio.keep(beside(drawn, page.image((390, 66, 916, 610))), "lasso-en.webp")


@shot("isolate-zh.webp")
def isolate(studio: Studio) -> None:
    """Towers alone, the rest as ghosts."""
    page = studio.open("zh", at=((2150, -1500, 760), (900, 60, 60)))
    page.select("height_m > 150 AND layer = 'buildings'")
    page.press("i")
    page.keep("isolate-zh.webp")


@shot("style-en.webp")
def style(studio: Studio) -> None:
    """Buildings by their height in five classes by natural breaks."""
    page = studio.open("en", at=((2150, -1500, 760), (800, 60, 40)))
    page.press("c")
    page.page.locator(".style-form select").first.select_option("height_m")
    page.until("app.overlay?.name === 'style'")
    page.page.locator(".style-form select").nth(1).select_option("jenks")
    page.page.wait_for_timeout(800)
    page.page.locator(".style-form").scroll_into_view_if_needed()
    page.keep("style-en.webp")


@shot("draw-en.webp")
def draw(studio: Studio) -> None:
    """A footprint while it is drawn."""
    page = studio.open("en", at=((-930, 800, 190), (-930, 1010, 0)))
    page.press("e")
    for corner in ((-985, 970, GROUND), (-905, 970, GROUND)):
        page.click(corner)
    page.page.mouse.move(*page.spot((-904, 1001, GROUND)))
    page.page.wait_for_timeout(400)
    page.keep("draw-en.webp")


@shot("draw-edit-en.webp")
def edit(studio: Studio) -> None:
    """A drawn block with its handles."""
    page = studio.open("en", at=((-930, 760, 230), (-930, 1010, 0)))
    page.press("e")
    page.click((-985, 950, GROUND))
    for side in ("60<0", "22<90", "60<180"):
        page.page.keyboard.type(side)
        page.press("Enter")
    page.press("Enter")
    page.page.keyboard.type("36")
    page.press("Enter", "Escape")
    page.press(";")
    page.click((-955, 960, 38.0))
    page.page.wait_for_timeout(400)
    page.press("]", "]")
    page.keep("draw-edit-en.webp")
