"""The 3D engine in a real browser, on a city of a few boxes whose every edge is known."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import pandas as pd
import pvlib
import pytest

from scenes import MeshSet
from scenes.tiles import surface_glb

from .conftest import FRAME, City

pytestmark = pytest.mark.browser


def overlay(colours: dict[int, tuple[int, int, int, int]], layers: list[str]) -> dict[str, Any]:
    palette = np.zeros((256, 4), np.uint8)
    for code, colour in colours.items():
        palette[code] = colour
    legend = {"type": "ramp", "min": 0, "max": 1, "stops": []}
    titles = {"en": "Test", "zh": "测试"}
    text = base64.b64encode(palette.tobytes()).decode()
    return {"id": 1, "name": "test", "titles": titles, "unit": "1", "source": "live", "layers": layers, "legend": legend, "palette": text}  # fmt: skip  # noqa: E501


RED, GREEN = (214, 40, 40, 255), (30, 160, 80, 255)
ROOF, BLOCK_ROOF = (0.0, 0.0, 100.0), (115.0, 0.0, 30.0)


def test_frames_are_drawn_and_the_city_settles(city: City) -> None:
    before = city.run("return e.stats().frames")
    stats = city.settle()
    assert stats["frames"] > before
    assert stats["tilesPending"] == 0
    assert stats["tilesLoaded"] >= 2
    assert stats["triangles"] >= 36
    assert np.ptp(city.picture()) > 80
    assert city.run("return h.errors") == []


def test_a_pick_returns_the_handle_and_the_point(city: City) -> None:
    tower, block = city.pick(ROOF), city.pick(BLOCK_ROOF)
    assert tower is not None
    assert block is not None
    assert (tower["handle"], tower["layer"]) == (0, "buildings")
    assert block["handle"] == 1
    assert np.allclose(tower["point"], ROOF, atol=1.5), "within a pixel"
    assert tower["point"][2] == pytest.approx(100.0, abs=0.02)
    assert city.pick((0.0, -120.0, 0.0)) is None
    assert city.run("return e.pickAt(5, 5)") is None


def test_a_click_tells_what_was_picked_and_a_double_click_too(city: City) -> None:
    assert city.click(BLOCK_ROOF, "pick")["handle"] == 1
    assert city.click((0.0, -150.0, 0.0), "pick") is None
    city.run("window.__next = new Promise((done) => e.on('doublepick', done))")
    city.page.mouse.dblclick(*city.at(ROOF))
    assert city.run("return window.__next")["handle"] == 0


def test_hovering_names_the_object_once(city: City) -> None:
    city.run("window.__next = new Promise((done) => e.on('hover', (v) => v && done(v)))")
    city.page.mouse.move(*city.at(BLOCK_ROOF))
    assert city.run("return window.__next")["handle"] == 1


def test_codes_paint_objects_in_the_palettes_colours(city: City) -> None:
    plain = city.colour(ROOF)
    city.run("e.setOverlay(a); e.setCodes(new Uint8Array([7, 9, 0, 0]))", overlay({7: RED, 9: GREEN}, ["buildings"]))
    tower, block = city.colour(ROOF), city.colour(BLOCK_ROOF)
    assert np.ptp(plain) < 40
    assert np.abs(tower - RED[:3]).max() < 60
    assert tower[0] > 2.2 * tower[1:].max()
    assert block[1] > 1.5 * block[[0, 2]].max()
    city.run("e.setCodesOf(new Uint32Array([1]), new Uint8Array([7]))")
    assert city.run("return [e.codeOf(0), e.codeOf(1), e.codeOf(2)]") == [7, 7, 0]
    assert city.colour(BLOCK_ROOF)[0] > 2.2 * city.colour(BLOCK_ROOF)[1]
    city.run("e.setOverlay(null)")
    assert np.abs(city.colour(ROOF) - plain).max() < 3


def test_a_recolour_sends_texels_and_no_geometry(city: City) -> None:
    city.run("e.setOverlay(a)", overlay({7: RED}, []))
    city.settle()
    city.run("window.__sent = {buffers: 0, texels: 0}; e.setCodesOf(new Uint32Array([0, 2]), new Uint8Array([7, 7]))")
    city.settle()
    assert city.run("return window.__sent") == {"buffers": 0, "texels": 4096}
    assert city.colour(ROOF)[0] > 2.2 * city.colour(ROOF)[1]


def test_hidden_objects_leave_the_picture_and_the_pick(city: City) -> None:
    shown = city.colour((0.0, -20.0, 60.0))
    city.run("e.hide([0], true)")
    city.settle()
    assert city.pick(ROOF) is None
    assert np.abs(city.colour((0.0, -20.0, 60.0)) - shown).max() > 8
    city.run("e.showAll()")
    assert city.pick(ROOF)["handle"] == 0  # type: ignore[index]


def test_selected_objects_glow(city: City) -> None:
    plain = city.colour(ROOF)
    city.run("e.select([0])")
    glowing = city.colour(ROOF)
    assert glowing[0] - glowing[2] > 60 > plain[0] - plain[2]
    city.run("e.select([])")
    assert np.abs(city.colour(ROOF) - plain).max() < 3


def test_isolated_objects_are_picked_through_the_ghosts_of_the_rest(city: City) -> None:
    city.look({"position": [0, -300, 12], "target": [0, 0, 10]})
    city.run("e.setCamera({position: [400, 0, 20], target: [0, 0, 15]})")
    city.settle()
    assert city.pick((130.0, 0.0, 15.0))["handle"] == 1  # type: ignore[index]
    city.run("e.isolate([0])")
    city.settle()
    assert city.pick((130.0, 0.0, 15.0))["handle"] == 0  # type: ignore[index]


def test_a_section_cuts_picture_and_pick(city: City) -> None:
    city.run("e.setSection({axis: 'z', offset: 50, azimuth_deg: 0, flipped: false})")
    city.settle()
    inside = city.pick((0.0, 0.0, 50.0))
    assert inside is not None
    assert inside["handle"] == 0
    assert inside["point"][2] < 50.0
    cut = city.colour((0.0, 0.0, 50.0))
    assert cut[0] > cut[2] + 40, "the inside of the cut is painted in the colour of sections"
    city.run("e.setSection({axis: 'x', offset: 60, azimuth_deg: 0, flipped: false})")
    city.settle()
    assert city.pick(BLOCK_ROOF) is None
    assert city.pick(ROOF)["handle"] == 0  # type: ignore[index]
    city.run("e.setSection({axis: 'x', offset: 60, azimuth_deg: 0, flipped: true})")
    city.settle()
    assert city.pick(BLOCK_ROOF)["handle"] == 1  # type: ignore[index]


def test_measures_agree_with_the_known_building(city: City) -> None:
    city.look({"position": [60, -260, 190], "target": [10, 0, 40]})
    height = city.measured("height", [(0.0, -20.6, 0.0), (0.0, -19.5, 100.0)], last=1)
    assert height["value"] == pytest.approx(100.0, rel=0.01)
    corners = [(-19.0, -19.0, 100.0), (19.0, -19.0, 100.0), (19.0, 19.0, 100.0), (-19.0, 19.0, 100.0)]
    assert city.measured("distance", corners[::2])["value"] == pytest.approx(38 * np.sqrt(2), rel=0.01)
    area = city.measured("area", corners)
    assert area["value"] == pytest.approx(38.0**2, rel=0.01)
    assert area["horizontal"] == pytest.approx(38.0**2, rel=0.01)


def test_the_sun_stands_where_pvlib_says(city: City) -> None:
    places = [(121.5, 31.24), (-74.0, 40.7), (8.4, 49.0), (151.2, -33.9), (25.7, 66.5)]
    times = pd.date_range("2026-01-05", "2026-12-30", periods=40, tz="UTC")
    for longitude, latitude in places:
        known = pvlib.solarposition.get_solarposition(times, latitude, longitude)
        moments = [int(time.timestamp() * 1000) for time in times]
        ours = city.run("return a[0].map((t) => h.sunPosition(t, a[1], a[2]))", [moments, longitude, latitude])
        elevation = np.array([sun["elevation_deg"] for sun in ours])
        azimuth = np.array([sun["azimuth_deg"] for sun in ours])
        assert np.abs(elevation - known["elevation"].to_numpy()).max() < 0.1
        turn = (azimuth - known["azimuth"].to_numpy() + 180) % 360 - 180
        assert np.abs(turn * np.cos(np.radians(elevation))).max() < 0.1


def test_shadows_fall_away_from_the_sun(city: City) -> None:
    city.look({"position": [0, -1, 620], "target": [0, 0, 0]})
    city.run("e.setTime('2026-04-20T01:30:00Z')")
    sun = city.run("return e.sun()")
    grid = np.radians(sun["azimuth_deg"] - FRAME.convergence_deg())
    away = np.array([-np.sin(grid), -np.cos(grid)])
    shade = 35 * away
    dark, bright = city.colour((*shade, 0.0)), city.colour((*(-shade), 0.0))
    assert dark.mean() < bright.mean() - 15
    city.run("e.setShadows(false)")
    assert city.colour((*shade, 0.0)).mean() > bright.mean() - 8


def test_night_and_the_dark_theme_are_darker(city: City) -> None:
    day = city.picture().mean()
    city.run("e.setTheme('dark')")
    dark = city.picture().mean()
    city.run("e.setTheme('light'); e.setTime('2026-04-20T16:00:00Z')")
    night = city.picture().mean()
    assert dark < 0.55 * day
    assert night < 0.45 * day


def test_the_underground_view_shows_pipes(city: City) -> None:
    pipe = (0.0, 41.0, -4.0)
    city.look({"position": [0, 300, 200], "target": [0, 41, 0]})
    before = city.colour(pipe)
    assert city.pick(pipe) is None, "solid ground covers it"
    city.run("e.setUnderground(0.9)")
    city.settle()
    assert np.abs(city.colour(pipe) - before).max() > 15
    assert city.pick(pipe)["layer"] == "pipes"  # type: ignore[index]
    city.run("e.setCamera({position: [0, 60, -12], target: [0, 41, -5]})")
    assert city.run("return e.camera().position[2]") < -10


def test_layers_hide_and_fade(city: City) -> None:
    city.run("e.setLayerVisible('buildings', false)")
    city.settle()
    assert city.pick(ROOF) is None
    city.run("e.setLayerVisible('buildings', true); e.setLayerOpacity('buildings', 0.3)")
    city.settle()
    assert city.pick(ROOF) is None, "what is mostly clear lets the pick through"
    city.run("e.setLayerOpacity('buildings', 1)")
    assert city.pick(ROOF)["handle"] == 0  # type: ignore[index]


def test_dragging_keeps_the_ground_under_the_cursor(city: City) -> None:
    start = city.at((60.0, -60.0, 0.0))
    city.page.mouse.move(*start)
    city.page.mouse.down()
    city.page.mouse.move(start[0] + 60, start[1] + 10)
    city.page.mouse.move(start[0] + 150, start[1] + 40)
    moved = city.at((60.0, -60.0, 0.0))
    city.page.mouse.up()
    assert np.allclose(moved, [start[0] + 150, start[1] + 40], atol=2.0)


def test_turning_keeps_the_point_under_the_cursor_and_stays_above_the_ground(city: City) -> None:
    start = city.at(BLOCK_ROOF)
    city.page.mouse.move(*start)
    city.page.mouse.down(button="right")
    city.page.mouse.move(start[0] + 30, start[1])
    city.page.mouse.move(start[0] + 140, start[1] - 30)
    assert np.allclose(city.at(BLOCK_ROOF), start, atol=3.0)
    city.page.mouse.move(start[0] + 140, start[1] - 400)
    city.page.mouse.up(button="right")
    assert city.run("return e.camera().position[2]") > 1.0


def test_the_wheel_zooms_to_the_cursor(city: City) -> None:
    spot = city.at(BLOCK_ROOF)
    far = city.run("return e.camera().position")
    city.page.mouse.move(*spot)
    city.page.mouse.wheel(0, -480)
    city.page.wait_for_function(
        "([x, y, z]) => Math.hypot(...window.__citytwin.engine.camera().position.map((p, i) => p - [x, y, z][i])) > 40",
        arg=far,
    )
    assert np.allclose(city.at(BLOCK_ROOF), spot, atol=4.0)


def test_home_north_top_and_flights_arrive(city: City) -> None:
    city.run("e.orbit(70, 5)")
    assert city.run("return Math.abs(e.heading() - 70) < 3")
    city.run("e.north(0)")
    assert city.run("return Math.min(e.heading(), 360 - e.heading())") < 0.01
    city.run("e.top(0)")
    state = city.run("return e.camera()")
    assert np.allclose(state["position"][:2], state["target"][:2], atol=0.5)
    city.run("e.flyTo([100, -15, 0, 130, 15, 30], 0)")
    assert np.allclose(city.run("return e.camera().target"), [115, 0, 15], atol=0.01)
    city.run("e.home(0)")
    home = city.run("return e.camera().position")
    city.run("e.top(0); e.home(0.2)")
    near = "(p) => Math.hypot(...window.__citytwin.engine.camera().position.map((c, i) => c - p[i])) < 0.01"
    city.page.wait_for_function(near, arg=home)
    city.settle()
    assert city.pick(ROOF) is not None


def test_a_result_surface_is_drawn_over_the_city(city: City) -> None:
    corners = np.array([[-60, -90, 0.4], [60, -90, 0.4], [60, -40, 0.4], [-60, -40, 0.4]], float)
    faces = np.array([[0, 1, 2], [0, 2, 3]], np.uint32)
    colours = np.tile(np.array([30, 60, 220, 255], np.uint8), (4, 1))
    glb = surface_glb(MeshSet.from_parts([0], [corners], [faces], [colours]))
    spot = (0.0, -60.0, 0.4)
    plain = city.colour(spot)
    city.run(
        "await e.setSurface('test', Uint8Array.from(atob(a), (c) => c.charCodeAt(0)).buffer)",
        base64.b64encode(glb).decode(),
    )
    assert np.abs(city.colour(spot) - [30, 60, 220]).max() < 12
    city.run("await e.setSurface('test', null)")
    assert np.abs(city.colour(spot) - plain).max() < 3


def test_a_lost_context_comes_back_with_its_colours(city: City) -> None:
    city.run("e.setOverlay(a); e.setCodes(new Uint8Array([7, 0, 0, 0]))", overlay({7: RED}, []))
    before = city.colour(ROOF)
    city.run("""const loss = e.canvas.getContext('webgl2').getExtension('WEBGL_lose_context');
        const lost = new Promise((done) => e.canvas.addEventListener('webglcontextlost', done, {once: true}));
        const back = new Promise((done) => e.canvas.addEventListener('webglcontextrestored', done, {once: true}));
        loss.loseContext(); await lost; await new Promise(requestAnimationFrame); loss.restoreContext(); await back;""")
    city.settle()
    assert np.abs(city.colour(ROOF) - before).max() < 4
    assert city.pick(ROOF)["handle"] == 0  # type: ignore[index]
