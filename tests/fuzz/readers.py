"""What the fuzz run does with each case, in a reader process: find the loader, locate, load, and drop the result."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scenes.errors import CityTwinError, GeoreferenceError
from scenes.georeference import Georeference
from scenes.loading import LoadContext, loader_for
from scenes.problems import Problems
from scenes.sources import Placement, Source
from tests.fuzz.mutate import mutated

if TYPE_CHECKING:
    from scenes.loading import Loader

FRAME = Georeference("EPSG:32651", 354_000.0, 3_457_000.0)


@dataclass(frozen=True)
class Ending:
    """How one mutation ended: ``loaded``, ``refused`` with a sentence, or ``broken`` with what was raised."""

    number: int
    state: str
    text: str = ""


@dataclass(frozen=True)
class FuzzReader:
    """Runs cases one after the other, each ending reported before the next begins."""

    guarded = True
    name: str = "fuzz"

    def run(self, source: Source) -> Any:
        """Yield an `Ending` for each number in the source's dataset: ``first-last``, ``whole`` for the sound file."""
        seed = source.file.read_bytes()
        first, last = (-1, 0) if source.dataset == "whole" else map(int, source.dataset.split("-"))
        with tempfile.TemporaryDirectory(prefix="citytwin-fuzz-") as folder:
            path = Path(folder) / source.file.name
            beside = source.file.with_name(source.file.name + ".beside")
            if beside.is_dir():  # what belongs to the file and stays sound
                shutil.copytree(beside, folder, dirs_exist_ok=True)
            for number in range(first, last):
                path.write_bytes(seed if number < 0 else mutated(seed, number))
                yield _ending(number, path, source.crs)

    def peak(self, source: Source) -> int:  # noqa: ARG002 - the shape of a loader's method
        """Return the peak memory of this process in bytes."""
        # Of this process image alone: ru_maxrss would carry over what the parent held at the fork.
        status = Path("/proc/self/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) * 1024


def _ending(number: int, path: Path, crs: str) -> Ending:
    try:
        objects = _load(Source(str(path), dataset="fuzz", crs=crs))
    except CityTwinError as error:
        text = str(error)
        whole = len(text) < 2000 and "\n" not in text and "Traceback" not in text
        return Ending(number, "refused" if whole else "broken", text[:300])
    except MemoryError:
        raise
    except BaseException as error:  # noqa: BLE001 - finding these is what the run is for
        return Ending(number, "broken", f"{type(error).__name__}: {error}"[:300])
    return Ending(number, "loaded", str(objects))


def _load(source: Source) -> int:
    loader = loader_for(source)
    context = LoadContext(FRAME, problems=Problems())
    try:
        located = loader.locate(source)
    except GeoreferenceError:
        located = None
    if located is None:
        source = replace(source, place=Placement(354_000.0, 3_457_000.0))
    else:
        context = replace(context, georeference=Georeference.around(located.longitude_deg, located.latitude_deg))
    surface = loader.surface(source, context)
    if surface is not None:
        context = replace(context, ground=surface)
    return _count(loader, source, context)


def _count(loader: Loader, source: Source, context: LoadContext) -> int:
    objects = 0
    for _, batch in loader.load(source, context):
        objects += len(batch.with_bounds())
    context.problems.listed()
    return objects
