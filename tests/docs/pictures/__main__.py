"""Makes the pictures of the manual anew: ``scripts/pictures`` all of them, ``scripts/pictures skyline sun`` some."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import traceback
from pathlib import Path

from playwright.sync_api import sync_playwright

import scenes
from tests.docs.pages import ROOT
from tests.docs.pictures import cutting, exploring, measuring, presenting, selecting  # noqa: F401 - list their shots
from tests.docs.pictures.basemap import plan
from tests.docs.pictures.studio import SHOTS, Shot, Studio
from tests.twin.view.conftest import CHROMIUM
from twin.app import ServerOptions, demo_live, start_in_thread
from twin.demo import make


def main(wanted: list[str]) -> int:
    """Take the pictures whose names begin with each of the words, by default all; return how many failed."""
    home = Path(os.environ.get("TWIN_DEMO", ROOT / ".demo")).resolve()
    demo = make(home)
    options = ServerOptions(config=str(plan(demo.sources, home)))
    failed = 0
    with sync_playwright() as playwright, contextlib.ExitStack() as servers:

        @functools.cache
        def served(live: bool) -> str:
            if live:
                return servers.enter_context(
                    start_in_thread(demo.package, live=demo_live(demo.package), options=options)
                ).url
            return servers.enter_context(start_in_thread(demo.package, live=[], options=options)).url

        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM)
        studio = Studio(browser, served, scenes.open(demo.package), demo.package)
        for name in [each for word in wanted or [""] for each in SHOTS if each.startswith(word)]:
            print(name, flush=True)
            failed += not _taken(SHOTS[name], studio)
        studio.close()
        browser.close()
    return failed


def _taken(each: Shot, studio: Studio) -> bool:
    """Take one picture; what goes wrong is told, and the others are taken all the same."""
    try:
        each.take(studio)
    except Exception:  # noqa: BLE001 - told below, and counted
        traceback.print_exc()
        return False
    return True


if __name__ == "__main__":
    sys.exit(min(main(sys.argv[1:]), 1))
