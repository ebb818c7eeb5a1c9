"""``twin serve CITY``: the app and the HTTP API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twin.commands.shared import common

if TYPE_CHECKING:
    import argparse


def add_parser(verbs: Any) -> None:
    """Add the verb to the command."""
    parser: argparse.ArgumentParser = verbs.add_parser("serve", help="show a city package in the browser")
    parser.add_argument("city")
    parser.add_argument("--port", type=int, default=5006, help="port of the app (default 5006; 0 = any free one)")
    parser.add_argument("--address", default="localhost", help="address to listen on (default localhost)")
    parser.add_argument(
        "--language", choices=("en", "zh"), default="", help="language of the page (default: the browser's)"
    )
    parser.add_argument("--open", action="store_true", help="open a browser")
    common(parser, facts=False)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Serve until interrupted."""
    from twin.app import serve  # noqa: PLC0415 - Panel takes seconds to import

    serve(
        options.city,
        port=options.port,
        address=options.address,
        language=options.language,
        open_browser=options.open,
        on_ready=lambda url: print(f"{options.city} is at {url}  (Ctrl+C ends it)", flush=True),
    )
    return 0
