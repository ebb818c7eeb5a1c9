"""Pictures of looking around: the whole city, an object, the layers of a building, light and names."""

from __future__ import annotations

from tests.docs.pictures.studio import Studio, beside, shot

LIBRARY = (575.0, -34.0, 14.0)
TOWER = (1252.0, 126.0, 150.0)
SIDEBAR = 292


@shot("explore-en.webp")
def explore(studio: Studio) -> None:
    """The city as it opens."""
    studio.open().keep("explore-en.webp")


@shot("pick-zh.webp")
def pick(studio: Studio) -> None:
    """A tower with its properties and its live power."""
    page = studio.open("zh", at=((420, -760, 420), (1290, 126, 200)), live=True)
    page.select("name = '望湖塔' AND height_m = 330")
    page.page.wait_for_timeout(2500)
    page.keep("pick-zh.webp")


@shot("dark-en.webp")
def dark(studio: Studio) -> None:
    """The page in its dark look, in the evening."""
    page = studio.open("en", at=((1900, -1250, 420), (900, 60, 60)))
    page.ask("(app.setTheme('dark'), app.setTime('2026-05-21T10:20:00Z'))")
    page.keep("dark-en.webp")
    page.ask("app.setTheme('light')")


@shot("labels-zh.webp")
def labels(studio: Studio) -> None:
    """Names of districts, streets, water and landmarks from nearby."""
    page = studio.open("zh", at=((420, -900, 620), (560, 120, 0)))
    page.keep("labels-zh.webp")


@shot("walk-zh.webp")
def walk(studio: Studio) -> None:
    """The way an inhabitant sees a street."""
    page = studio.open("zh", at=((1080, -330, 320), (1080, -20, 0)))
    page.press("w")
    page.ask("app.engine.walkFrom([1060, -60, 4.7])")
    page.ask("app.engine.lookAround(12, 9)")
    page.settle()
    page.keep("walk-zh.webp")


@shot("sun-en.webp")
def sun(studio: Studio) -> None:
    """Shadows of a winter and of a summer afternoon, with the sliders of the day and of the year."""
    images = []
    page = studio.open("en", at=((760, -1100, 700), (1000, 60, 40)))
    page.ask("app.shell.showLeft(false)")
    for day in ("12-21", "06-21"):
        page.ask(f"app.setTime('2026-{day}T07:30:00Z')")
        images.append(page.image((240, 66, 890, 668)))
    studio.keep(beside(*images), "sun-en.webp")


@shot("bim-zh.webp")
def bim(studio: Studio) -> None:
    """The library from its shell to its rooms: whole, cut open, and its rooms alone."""
    images = []
    page = studio.open("zh", at=((650, -130, 62), LIBRARY))
    page.ask("app.shell.showLeft(false)")
    cut, rooms = (
        "{axis: 'z', offset: 11.4, azimuth_deg: 0, flipped: false}",
        "app.setLayerVisible('library-spaces', true)",
    )
    for step in (
        "true",
        f"app.setSection({cut})",
        f"({rooms}, app.setLayerVisible('library', false), app.setSection(null))",
    ):
        page.ask(step)
        images.append(page.image((450, 120, 470, 520)))
    studio.keep(beside(*images), "bim-zh.webp")


@shot("underground-en.webp")
def underground(studio: Studio) -> None:
    """Pipes below ground of glass."""
    page = studio.open("en", at=((330, -420, 230), (470, 20, 0)))
    page.ask("app.setUnderground(0.85)")
    page.keep("underground-en.webp")


@shot("traffic-en.webp")
def traffic(studio: Studio) -> None:
    """Speed of traffic on the roads."""
    page = studio.open("en", at=((1500, -1900, 1100), (450, -60, 0)), live=True)
    name = page.ask(
        "app.manifest.overlays.find((each) => each.source === 'live' && each.titles.en.startsWith('Traffic')).name"
    )
    page.ask(f"app.setOverlay('{name}')")
    page.page.wait_for_timeout(3000)
    page.keep("traffic-en.webp")


@shot("vehicle-en.webp")
def vehicle(studio: Studio) -> None:
    """A car with its card."""
    page = studio.open("en", at=((700, -330, 120), (560, -60, 5)), live=True)
    page.ask("app.moving.setColours('kind')")
    page.press("'")
    page.until("app.engine.pictures.vehicleCount > 100")
    page.page.wait_for_timeout(1500)
    page.ask("app.moving.choose(app.engine.pictures.vehiclesNear([560, -100, 5], 1)[0])")
    page.page.wait_for_timeout(1200)
    page.keep("vehicle-en.webp")
