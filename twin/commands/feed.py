"""``twin feed CITY SOURCE...``: attaches live sources; `twin serve` connects to them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scenes.errors import CityTwinError, MissingSourceError
from scenes.store import manifest
from twin.commands.shared import common

if TYPE_CHECKING:
    import argparse

FEEDS = Path("state") / "feeds.json"


def add_parser(verbs: Any) -> None:
    """Add the verb to the command."""
    parser: argparse.ArgumentParser = verbs.add_parser("feed", help="attach live sources to a city")
    parser.add_argument("city")
    parser.add_argument(
        "sources",
        nargs="*",
        metavar="SOURCE",
        help="addresses, such as mqtt://broker:1883 or gtfs-rt:https://host/vehicles.pb",
    )
    parser.add_argument(
        "--datastreams", metavar="FILE.parquet|.csv", help="what the sources measure, and on which objects"
    )
    parser.add_argument(
        "--replay",
        action="append",
        default=[],
        metavar="FILE",
        help="play recorded observations, or vehicles of SUMO (an FCD output)",
    )
    parser.add_argument("--net", metavar="FILE.net.xml", help="network of the vehicles that are replayed")
    parser.add_argument("--speed", type=float, default=1.0, metavar="X", help="speed of the replay (default 1)")
    parser.add_argument("--clear", action="store_true", help="detach every source first")
    common(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Change the list of sources, and print it."""
    from twin.live import Datastreams, MovingFeed, connect  # noqa: PLC0415 - only this verb needs it

    city = Path(options.city)
    manifest(city)
    if options.datastreams:
        _datastreams(Path(options.datastreams)).write(city / "streams.parquet")
    table = city / "streams.parquet"
    named = [each if _is_address(each) else _replayed(Path(each), options) for each in options.sources]
    added = [*named, *(_replayed(Path(path), options) for path in options.replay)]
    streams = Datastreams.read(table) if table.is_file() else Datastreams.from_records([])
    moving = [isinstance(connect(address, streams), MovingFeed) for address in added]
    if not table.is_file() and not (moving and all(moving)) and not options.clear:
        raise CityTwinError(city, "has no datastreams to feed", "name a table with --datastreams")
    feeds = [] if options.clear else attached(city)
    feeds += [address for address in added if address not in feeds]
    beside = city / FEEDS.with_suffix(".part")
    beside.parent.mkdir(exist_ok=True)
    beside.write_text(json.dumps(feeds, indent=2), encoding="utf-8")
    beside.replace(city / FEEDS)
    print(json.dumps(feeds, indent=2) if options.json else "\n".join(feeds) or "no live source is attached")
    return 0


def _is_address(source: str) -> bool:
    """Say whether a source is an address; a plain path is a recording, as with ``--replay``."""
    scheme, colon, _ = source.partition(":")
    return bool(colon) and len(scheme) > 1


def _replayed(path: Path, options: argparse.Namespace) -> str:
    """Return the address of a recording: of what moves, or of observations."""
    from gis.networks.fcd import is_fcd, place_of  # noqa: PLC0415 - only this verb needs it
    from twin.live import FcdReplay  # noqa: PLC0415

    if not path.exists():
        raise MissingSourceError(path, "there is no such recording", "check the path")
    if not options.speed > 0:
        raise CityTwinError(path, f"cannot be played at speed {options.speed:g}", "give a --speed above 0")
    if not is_fcd(path):
        return f"replay:{path.resolve()}?speed={options.speed:g}"
    net = Path(options.net).resolve() if options.net else None
    place_of(path, net)
    return FcdReplay(path.resolve(), options.speed, net).address


def attached(city: Path) -> list[str]:
    """Return the addresses of the sources attached to a city."""
    stored = city / FEEDS
    return [str(address) for address in json.loads(stored.read_text(encoding="utf-8"))] if stored.is_file() else []


def _datastreams(path: Path) -> Any:
    from twin.live import Datastreams  # noqa: PLC0415

    if path.suffix != ".csv":
        return Datastreams.read(path)
    if not path.is_file():
        raise MissingSourceError(path, "there is no such file", "check the path")
    import pyarrow as pa  # noqa: PLC0415
    from pyarrow import csv  # noqa: PLC0415

    try:
        return Datastreams(csv.read_csv(path))
    except pa.ArrowException as error:
        raise CityTwinError(
            path, f"is not a readable table ({error})", "give it a head with the column names"
        ) from error
