"""``twin build OUT.city SOURCE...``: loads files of any supported kind, georeferences, stores, tiles."""

from __future__ import annotations

import os
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scenes import Problems
from scenes.assembly import gather, nothing_found
from scenes.crew import crew_of
from scenes.errors import CityTwinError
from scenes.hierarchy import with_districts
from scenes.saving import save, tile_counts
from scenes.scratch import scratch_folder
from scenes.store import is_address, push
from twin.cluster import cluster
from twin.commands.lifting import lift_option, lifted
from twin.commands.shared import common, has_folders, print_facts, progress_bar, scene_facts, source_options, sources_of

if TYPE_CHECKING:
    import argparse

    from scenes.crew import Crew


_MOST_WORKERS = 8


def add_parser(verbs: Any) -> None:
    """Add the verb to the command."""
    parser: argparse.ArgumentParser = verbs.add_parser("build", help="make a city package from files")
    parser.add_argument("out", metavar="OUT.city", help="the package to write: a folder, or s3://BUCKET/OUT.city")
    source_options(parser)
    lift_option(parser)
    parser.add_argument(
        "--workers",
        type=int,
        default=0,
        metavar="N",
        help="processes that read files, and that mesh and tile (default: the processors, at most 8)",
    )
    parser.add_argument(
        "--keep-going",
        action="store_true",
        help="leave out sources that cannot be loaded, set models without a place beside the scene, and say so; "
        "always on for the files of a folder",
    )
    parser.add_argument(
        "--local", action="store_true", help="when no file says where it lies, put all at the zero of a local grid"
    )
    parser.add_argument(
        "--dask", metavar="ADDRESS", help="mesh and tile on a Dask cluster: the address of its scheduler, or local"
    )
    common(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Build the package; nothing is left behind when a source cannot be used."""
    remote = is_address(options.out)
    out = scratch_folder() / options.out.rstrip("/").rsplit("/", 1)[-1] if remote else Path(options.out)
    if out.suffix != ".city":
        raise CityTwinError(out, "a city package is a folder that ends in .city", f"write {out.with_suffix('.city')}")
    workers = options.workers if options.workers > 0 else min(os.cpu_count() or 1, _MOST_WORKERS)
    with cluster(options.dask) if options.dask else nullcontext(crew_of(workers)) as crew:
        return _built(options, out, workers, crew)


def _built(options: argparse.Namespace, out: Path, workers: int, crew: Crew) -> int:
    problems = Problems()
    sources = sources_of(options, problems)
    bar = progress_bar(options)
    made = gather(
        sources,
        crs=options.crs,
        name=out.stem,
        progress=lambda text, share: bar(text, 0.6 * share),
        keep_going=options.keep_going or has_folders(options),
        workers=workers,
        crew=crew,
        geoid=options.geoid,
        local=options.local,
        aside=True,
    )
    for outcome in made.outcomes:
        problems.merge(outcome.problems)
        if outcome.error is not None:
            what, advice = f"left out: {outcome.error.what}", outcome.error.advice
            problems.add("error", outcome.source.shown, "source-left-out", what, advice)
    if made.scene is None:
        for problem in problems.listed():
            print(f"{problem.object}: {problem.message}", file=sys.stderr)
        raise nothing_found(sources)
    scene = with_districts(lifted(made.scene, options, problems, lambda text, share: bar(text, 0.6 + 0.02 * share)))
    bar("storing", 0.62)
    save(
        scene,
        out,
        problems=problems.listed(),
        progress=lambda text, share: bar(text, 0.62 + 0.35 * share),
        tiles=True,
        crew=crew,
    )
    if is_address(options.out):
        bar(f"sending it to {options.out}", 0.97)
        push(out, options.out)
    bar(f"{options.out} is ready", 1.0)
    facts = scene_facts(scene, problems)
    told = {"tiles": tile_counts(out), "sources": [outcome.as_dict() for outcome in made.outcomes]}
    print_facts({**facts, **told}, options)
    return 0
