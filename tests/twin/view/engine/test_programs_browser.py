"""No frame waits for the link of a shader program: each is asked for its outcome only after it said it was linked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.twin.view.pages import WAIT_MS

from .conftest import FROM_SOUTH, SIZE, City

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

# A program that is asked for its log, its link or its uniforms before the graphics card has done all that it was told
# until the link makes the page wait. That it has is known by a fence that was set after the link and has passed.
SPY = """(() => {
    const COMPLETE = 0x91B1, spy = window.__programs = {linked: 0, early: []};
    const linkedAs = new WeakMap(), fencedAfter = new WeakMap(), gl = WebGL2RenderingContext.prototype;
    let done = 0;
    const wrap = (name, before, after) => {
        const own = gl[name];
        gl[name] = function (thing, what) {
            before?.(thing, what);
            const answer = own.apply(this, arguments);
            after?.(thing, what, answer);
            return answer;
        };
    };
    const asked = (name) => (program) => { if (!(linkedAs.get(program) <= done)) spy.early.push(name); };
    wrap('linkProgram', (program) => linkedAs.set(program, ++spy.linked));
    wrap('fenceSync', null, (thing, what, fence) => fencedAfter.set(fence, spy.linked));
    wrap('getSyncParameter', null, (fence, what, answer) => {
        if (answer === WebGL2RenderingContext.SIGNALED) done = Math.max(done, fencedAfter.get(fence));
    });
    wrap('getProgramParameter', (program, what) => { if (what !== COMPLETE) asked(`parameter ${what}`)(program); });
    for (const name of ['getProgramInfoLog', 'getActiveUniform', 'getUniformLocation', 'getAttribLocation'])
        wrap(name, asked(name));
})()"""


@pytest.fixture
def fresh(address: str, chromium: Browser) -> Iterator[City]:
    """Open the page anew, with a spy on programs, and wait until the city is there."""
    page: Page = chromium.new_page(viewport={"width": SIZE[0], "height": SIZE[1]})
    page.set_default_timeout(WAIT_MS)
    page.add_init_script(SPY)
    page.goto(address)
    page.wait_for_function("window.__citytwin && window.__citytwin.idles > 0")
    yield City(page)
    page.close()


def asked_early(city: City) -> list[str]:
    """Return what was asked too early since the last time."""
    return [str(name) for name in city.run("return window.__programs.early.splice(0)")]


def linked(city: City) -> int:
    return int(city.run("return window.__programs.linked"))


def test_a_city_comes_and_is_looked_at_without_waiting_for_a_program(fresh: City) -> None:
    assert linked(fresh) > 3
    assert asked_early(fresh) == []
    before = linked(fresh)
    for azimuth in (0, 90, 180):
        fresh.run("e.setCamera(a); e.orbit(a.turn, 0)", {**FROM_SOUTH, "turn": azimuth})
        fresh.settle()
    assert linked(fresh) == before
    assert fresh.run("return e.stats().latePrograms") == 0


@pytest.mark.parametrize(
    "change",
    [
        "e.setShadows(false)",
        "e.setLayerOpacity('buildings', 0.5)",
        "e.setUnderground(0.6)",
        "e.isolate([0])",
        "e.setSection({axis: 'z', offset: 20, azimuth_deg: 0, flipped: false})",
        "e.setSectionBox({centre: [0, 0, 20], half: [60, 60, 30], azimuth_deg: 0})",
    ],
)
def test_what_a_tool_needs_is_linked_before_it_is_shown(fresh: City, change: str) -> None:
    asked_early(fresh)
    before, picture = linked(fresh), fresh.picture()
    fresh.run(change)
    fresh.settle()
    assert linked(fresh) > before
    assert asked_early(fresh) == []
    assert fresh.run("return e.stats().latePrograms") == 0
    assert (abs(fresh.picture() - picture).max(axis=2) > 8).any(), "the change is seen in the end"


def test_a_pick_waits_for_its_program_and_then_finds_the_object(fresh: City) -> None:
    asked_early(fresh)
    fresh.look(FROM_SOUTH)
    found = fresh.pick((0.0, -20.0, 60.0))
    assert found is not None
    assert found["handle"] == 0
    assert asked_early(fresh) == []
