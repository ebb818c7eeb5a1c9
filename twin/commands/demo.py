"""``twin demo``: makes the demo city, starts its broker and live feed, and opens the app."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twin.commands.shared import common, port_number, progress_bar

if TYPE_CHECKING:
    import argparse


def add_parser(verbs: Any) -> None:
    """Add the verb to the command."""
    parser: argparse.ArgumentParser = verbs.add_parser("demo", help="make and open the demo city")
    parser.add_argument(
        "--port", type=port_number, default=5006, help="port of the app (default 5006; 0 = any free one)"
    )
    parser.add_argument("--no-browser", action="store_true", help="do not open a browser")
    parser.add_argument("--keep", metavar="DIR", help="keep the city in this folder and find it there next time")
    parser.add_argument(
        "--language", choices=("en", "zh"), default="", help="language of the page (default: the browser's)"
    )
    parser.add_argument("--make-only", action="store_true", help="make the city and stop")
    common(parser, facts=False)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Serve the demo until interrupted."""
    from twin.demo import make  # noqa: PLC0415 - the other verbs need no demo

    folder = Path(options.keep) if options.keep else Path(tempfile.mkdtemp(prefix="twin-demo-"))
    try:
        city = make(folder, progress=progress_bar(options))
        if options.make_only:
            print(city.package)
            return 0
        from twin.app import serve  # noqa: PLC0415 - Panel takes seconds to import
        from twin.app.demo import demo_live  # noqa: PLC0415

        serve(
            city.package,
            port=options.port,
            live=demo_live(city.package),
            language=options.language,
            open_browser=not options.no_browser,
            on_ready=lambda url: print(f"The demo city is at {url}  (Ctrl+C ends it)", flush=True),
        )
    finally:
        if not options.keep:
            shutil.rmtree(folder, ignore_errors=True)
    return 0
