"""Pictures of comparing, theming, keeping and printing, and of a city that changes."""

from __future__ import annotations

import io
import os
import shutil
import tempfile
from pathlib import Path

from PIL import Image

import gis
import scenes
from tests.docs.pages import ROOT
from tests.docs.pictures.studio import Studio, beside, shot
from twin.app import start_in_thread
from twin.commands import main as twin

SLAB = (-934.0, 1018.0, 30.0)


@shot("compare-zh.webp")
def compare(studio: Studio) -> None:
    """The city and its proposal side by side."""
    page = studio.open("zh", at=((-760, 640, 260), SLAB))
    page.compare("pair", [("", ""), ("south-slab", "")])
    page.until("app.engines.length === 2")
    page.keep("compare-zh.webp")


@shot("compare-swipe.webp")
def swipe(studio: Studio) -> None:
    """A divider between the city and its proposal."""
    page = studio.open("en", at=((-800, 700, 220), SLAB))
    page.compare("swipe", [("", ""), ("south-slab", "")])
    page.until("app.engines.length === 2")
    page.keep("compare-swipe.webp")


@shot("compare-grid-en.webp")
def grid(studio: Studio) -> None:
    """One square at four hours."""
    page = studio.open("en", at=((-760, 600, 330), SLAB))
    page.compare("grid", [("south-slab", f"2026-01-20T{hour:02}:00:00Z") for hour in (1, 3, 5, 7)])
    page.until("app.engines.length === 4")
    page.keep("compare-grid-en.webp")


@shot("themes-heat-en.webp")
def heat(studio: Studio) -> None:
    """Buildings per square kilometre."""
    page = studio.open("en", at=((400, -3100, 2300), (100, -200, 0)))
    page.ask("app.themes.add({kind: 'heat', of: 'n:', layer: 'buildings', ramp: 'sun', size: 250, measure: 'density'})")
    page.press("0")
    page.page.wait_for_timeout(1500)
    page.keep("themes-heat-en.webp")


@shot("themes-columns-zh.webp")
def columns(studio: Studio) -> None:
    """Speed of traffic as columns, width of roads as flows, and the slider of the past."""
    page = studio.open("zh", at=((500, -1700, 800), (450, 60, 0)), live=True)
    name = page.ask(
        "app.manifest.overlays.find((each) => each.source === 'live' && each.titles.en.startsWith('Traffic')).name"
    )
    page.ask(
        f"app.themes.add({{kind: 'columns', of: 'o:{name}', layer: '', ramp: 'sun', size: 260, measure: 'density'}})"
    )
    page.ask(
        "app.themes.add({kind: 'lines', of: 'a:width', layer: 'roads', ramp: 'water', size: 10, measure: 'density'})"
    )
    page.press("`")
    page.page.wait_for_timeout(3000)
    page.keep("themes-columns-zh.webp")


@shot("themes-arcs-en.webp")
def arcs(studio: Studio) -> None:
    """Flows between streets from a table."""
    page = studio.open("en", at=((300, -3000, 1900), (300, -100, 0)))
    places = [(600, 0), (1300, 150), (-900, 1000), (-1200, -600), (300, -1500), (1200, 1300), (2100, -100)]
    rows = [
        f"{a[0]},{a[1]},{b[0]},{b[1]},{100 + 37 * (i * j % 9)}"
        for i, a in enumerate(places)
        for j, b in enumerate(places)
        if i < j
    ]
    page.press("0")
    page.page.locator(".themes-card").get_by_role("button", name="Arcs").click()
    table = "from_x,from_y,to_x,to_y,value\n" + "\n".join(rows)
    page.page.locator(".themes-card input[type=file]").set_input_files(
        {"name": "commuters.csv", "mimeType": "text/csv", "buffer": table.encode()}
    )
    page.until("app.themes.tables.size > 0")
    page.page.locator(".themes-card").get_by_role("button", name="Show").click()
    page.until("app.themes.standing.length > 0")
    page.page.wait_for_timeout(800)
    page.keep("themes-arcs-en.webp")


@shot("views-zh.webp")
def views(studio: Studio) -> None:
    """Kept views of a tour, and a note at a roof."""
    page = studio.open("zh")
    for number, (place, target) in enumerate(
        (((2950, -2350, 1250), (650, -40, 30)), ((760, -620, 420), (1252, 126, 150)), ((530, -190, 80), (575, -40, 14)))
    ):
        page.look(place, target)
        page.ask(f"app.keeping.keep({['全城', '望湖塔', '城市图书馆'][number]!r})")
    page.ask(
        "app.keeping.notes.push({text: '屋面待检修', point: [563, -62, 29], uid: '', object: ''}), app.keeping.save()"
    )
    page.press("v")
    page.keep("views-zh.webp")


@shot("sheet-en.webp")
def sheet(studio: Studio) -> None:
    """A printed sheet, coloured by height."""
    page = studio.open("en", at=((2150, -1500, 900), (700, 0, 40)))
    page.ask("app.shell.styles.focus()")
    page.page.locator(".style-form select").first.select_option("height_m")
    page.until("app.overlay?.name === 'style'")
    page.ask("app.shell.tools.print.toggle()")
    page.page.locator(".print-card").get_by_label("Title", exact=True).fill("Heights at the Moon Lake")
    with page.page.expect_download() as waiting:
        page.page.get_by_role("button", name="Save as PNG").click()
    studio.keep(Image.open(io.BytesIO(Path(waiting.value.path()).read_bytes())), "sheet-en.webp")


@shot("basemap-en.webp")
def basemap(studio: Studio) -> None:
    """A drawn map on ground and terrain, with its credit."""
    page = studio.open("en", at=((1500, -1900, 1000), (450, -60, 0)))
    page.ask("app.basemaps.choose('plan')")
    page.press("#")
    page.page.wait_for_timeout(2500)
    page.keep("basemap-en.webp")


@shot("renewal-en.webp")
def renewal(studio: Studio) -> None:
    """One page before and after a proposal became the city."""
    with tempfile.TemporaryDirectory() as folder:
        package = Path(folder) / "demo.city"
        shutil.copytree(studio.package, package)
        with start_in_thread(package) as server:
            page = studio.open("en", at=((-760, 640, 260), SLAB), size=(900, 640), address=server.url)
            page.ask("app.shell.showLeft(false)")
            before, clip = page.ask("app.manifest.epoch"), (60, 66, 720, 560)
            first = page.image(clip)
            assert twin(["scenario", str(package), "merge", "south-slab", "-q"]) == 0
            page.until(f"app.manifest.epoch !== {before}")
            page.page.wait_for_timeout(2500)
            second = page.image(clip)
            studio.close()
    studio.keep(beside(first, second), "renewal-en.webp")


@shot("sunlight-en.webp")
def sunlight(studio: Studio) -> None:
    """Sunlight hours around the proposal on the Great Cold day."""
    page = studio.open("en", at=((-780, 780, 230), (-930, 1035, 10)))
    page.ask("app.setScenario('south-slab')")
    inputs = "{rule: 'GB50180-dahan', area: [-1060, 930, -800, 1140], time_step_min: 10, resolution_m: 4, ground: true}"
    page.page.evaluate(
        f"""async () => {{
          const app = window.__citytwin;
          const result = await app.ask('simulate', {{ name: 'sunlight', scenario: 'south-slab', inputs: {inputs} }});
          app.results.push(result);
          for (const overlay of result.overlays) app.addOverlay(overlay);
          app.shell.simulations.showResults();
          await app.showResult(result);
        }}"""
    )
    page.page.locator(".sim-results > *").first.scroll_into_view_if_needed()
    page.keep("sunlight-en.webp")


@shot("pointcloud-en.webp")
def pointcloud(studio: Studio) -> None:
    """The Autzen sample of the PDAL project by height; needs the real files."""
    data = Path(os.environ.get("TWIN_DATA", ROOT.parent / "shared" / "data"))
    found = sorted(data.rglob("autzen*.la[sz]"))
    if not found:
        print("  no Autzen sample here: the picture stays as it is")
        return
    with tempfile.TemporaryDirectory() as folder:
        package = scenes.save(gis.read(found[0]), Path(folder) / "survey.city", tiles=True)
        with start_in_thread(package) as server:
            page = studio.open("en", address=server.url)
            page.settle()
            page.keep("pointcloud-en.webp")
            studio.close()
