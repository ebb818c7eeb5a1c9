"""What several commands share: common options, a progress bar, facts about a scene, output as text or JSON."""

from __future__ import annotations

import json
import math
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc

from scenes.errors import CityTwinError
from scenes.folders import expanded
from scenes.georeference import parse_crs
from scenes.sources import Placement, Source
from twin.commands.lifting import lift_clouds

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence

    from scenes import Problems, Scene

_LONGEST_CRS = 100


def common(parser: argparse.ArgumentParser, *, facts: bool = True) -> None:
    """Add the options that every verb has."""
    parser.add_argument("-v", "--verbose", action="count", default=0, help="say more")
    parser.add_argument("-q", "--quiet", action="count", default=0, help="say less")
    if facts:
        parser.add_argument("--json", action="store_true", help="print facts as JSON")


def port_number(text: str) -> int:
    """Return the port that an option names; argparse turns the error into wrong usage."""
    number = int(text)
    if not 0 <= number <= 65_535:
        raise ValueError(text)
    return number


def metres(text: str) -> float:
    """Return the length that an option names; argparse turns the error into wrong usage."""
    length = float(text)
    if not 0.0 <= length < math.inf:
        raise ValueError(text)
    return length


def source_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say how source files are read."""
    parser.add_argument("sources", nargs="*", metavar="SOURCE", help="files, folders or addresses")
    parser.add_argument(
        "--crs", default="", help="system of the scene: EPSG:N (compound ones too), grid:NAME, PROJ text"
    )
    parser.add_argument("--source-crs", action="append", default=[], metavar="FILE=EPSG:N", help="system of one file")
    parser.add_argument("--place", action="append", default=[], metavar="FILE=E,N,H,ANGLE", help="place a model file")
    parser.add_argument(
        "--layer", action="append", default=[], metavar="NAME=SOURCE", help="a source with its layer name"
    )
    parser.add_argument("--height", default="", metavar="COLUMN", help="column with building heights in metres")
    parser.add_argument(
        "--gcj02", action="append", default=[], metavar="FILE", help="a file whose coordinates are GCJ-02"
    )
    parser.add_argument("--bd09", action="append", default=[], metavar="FILE", help="the same for BD-09 (Baidu)")
    parser.add_argument(
        "--geoid", default="", metavar="FILE", help="grid of the geoid (GeoTIFF, GTX) for heights above the ellipsoid"
    )
    parser.add_argument(
        "--max-error", type=metres, default=0.0, metavar="METRES", help="how coarse tilesets may be read (0: finest)"
    )
    parser.add_argument(
        "--as", dest="schema", default="", metavar="SCHEMA", help="read IFC models as if they named this schema"
    )


def sources_of(options: argparse.Namespace, problems: Problems) -> list[Source]:
    """Return the sources that the options describe, folders replaced by the files in them.

    Options name files as they were typed, or by their bare names, which reach files inside folders too.

    Raises
    ------
    CityTwinError
        When an option names a file that is not among the sources.
    """
    named = [_pair(text, "--layer", "NAME=SOURCE") for text in options.layer]
    files = [(path, "") for path in options.sources] + [(path, name) for name, path in named]
    places = dict(_pair(text, "--place", "FILE=E,N,H,ANGLE") for text in options.place)
    systems = dict(_pair(text, "--source-crs", "FILE=EPSG:N") for text in options.source_crs)
    plain = [Source(path, layer=name, height_column=options.height) for path, name in files]
    found = expanded(plain, problems)
    paths = [
        *(path for path, _ in files),
        *(each.path for each in found),
        *(cloud for _, cloud in lift_clouds(options)),
    ]
    known = {*paths, *(Path(path).name for path in paths)}
    for option, wanted in (
        ("--place", [*places]),
        ("--source-crs", [*systems]),
        ("--gcj02", options.gcj02),
        ("--bd09", options.bd09),
    ):
        for path in wanted:
            if path not in known:
                raise CityTwinError(
                    path, f"{option} names a file that is not among the sources", "write it the same way"
                )
    return [
        replace(
            source,
            crs=_of(systems, source.path),
            place=Placement.parse(place) if (place := _of(places, source.path)) else None,
            datum_shift=_shift_of(source.path, options),
            schema=options.schema.upper(),
            max_error_m=options.max_error,
        )
        for source in found
    ]


def has_folders(options: argparse.Namespace) -> bool:
    """Say whether a folder is among the sources, whose files may be left out one by one."""
    return any(Path(path).is_dir() for path in options.sources)


def _shift_of(path: str, options: argparse.Namespace) -> str:
    named = {path, Path(path).name}
    return next((shift for shift in ("gcj02", "bd09") if named & set(getattr(options, shift))), "")


def _of(values: dict[str, str], path: str) -> str:
    return values.get(path) or values.get(Path(path).name, "")


def _pair(text: str, option: str, form: str) -> tuple[str, str]:
    left, equals, right = text.rpartition("=") if option != "--layer" else text.partition("=")
    if not equals or not left or not right:
        raise CityTwinError(text, f"is not written as {option} needs it", f"write {option} {form}")
    return left, right


def progress_bar(options: argparse.Namespace) -> Callable[[str, float], None]:
    """Return a callback (text, 0..1) that draws a bar on a terminal and is silent elsewhere."""
    if options.quiet or not sys.stderr.isatty():
        return lambda _text, _share: None

    def draw(text: str, share: float) -> None:
        filled = round(24 * min(max(share, 0.0), 1.0))
        bar = "█" * filled + "·" * (24 - filled)
        print(f"\r\033[K{bar} {share:4.0%} {text[:60]}", end="\n" if share >= 1 else "", file=sys.stderr, flush=True)

    return draw


def scene_facts(scene: Scene, problems: Problems | None = None) -> dict[str, Any]:
    """Return what `twin info --json` prints about a scene."""
    frame = scene.georeference
    return {
        "name": scene.name,
        "crs": frame.crs,
        "origin": [frame.easting_m, frame.northing_m, frame.height_m],
        "objects": len(scene),
        "layers": [_layer_facts(layer) for layer in scene.layers.values()],
        "problems": [problem.as_dict() for problem in problems.listed()] if problems else [],
    }


def _layer_facts(layer: Any) -> dict[str, Any]:
    counted = pc.value_counts(layer.table["kind"]).to_pylist()
    return {
        "name": layer.name,
        "theme": layer.theme,
        "objects": len(layer),
        "kinds": {pair["values"]: pair["counts"] for pair in counted},
        "lods": list(layer.lods),
        "triangles": layer.triangle_count,
        "bounds": list(box) if (box := layer.bounds()) else None,
        "source": layer.source,
    }


def print_facts(facts: dict[str, Any], options: argparse.Namespace) -> None:
    """Print facts of a scene as JSON, or as a table for people."""
    if options.json:
        print(json.dumps(facts, ensure_ascii=False, indent=2, default=str))
        return
    crs = facts["crs"] if len(facts["crs"]) <= _LONGEST_CRS else parse_crs(facts["crs"]).name
    print(f"{facts['name']}: {facts['objects']:,} objects, {crs}")
    print_table(
        ["layer", "objects", "triangles", "lods", "kinds"],
        [
            [
                layer["name"],
                f"{layer['objects']:,}",
                f"{layer['triangles']:,}",
                " ".join(layer["lods"]),
                ", ".join(
                    f"{kind} {count:,}" for kind, count in sorted(layer["kinds"].items(), key=lambda pair: -pair[1])[:4]
                ),
            ]
            for layer in facts["layers"]
        ],
    )
    print_problems(facts["problems"])


_SEVERITIES = ("error", "warning", "info")


def print_problems(problems: Sequence[dict[str, str]], most: int = 3, indent: str = "") -> None:
    """Print findings, one a line, the worst first, at most `most` of each rule; JSON has them all."""
    counts: dict[str, int] = {}
    for problem in sorted(problems, key=lambda each: _SEVERITIES.index(each["severity"])):
        rule = problem["rule"]
        counts[rule] = counts.get(rule, 0) + 1
        if counts[rule] <= most:
            advice = f"; {problem['advice']}" if problem.get("advice") else ""
            place = f" ({problem['place']})" if problem.get("place") else ""
            print(f"{indent}{problem['severity']:8}{problem['object']}{place}: {problem['message']}{advice} [{rule}]")
    for rule, count in counts.items():
        if count > most:
            print(f"{indent}{'':8}... and {count - most} more of [{rule}]; --json lists them")


def print_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows in aligned columns."""
    widths = [max(len(str(row[column])) for row in [head, *rows]) for column in range(len(head))]
    for row in [head, *rows]:
        print("  " + "  ".join(str(cell).ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
