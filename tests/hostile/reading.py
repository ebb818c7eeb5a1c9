"""Reads a stranger's file in a reader process with little memory, and tells what came out and what it touched."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from scenes.errors import CityTwinError, GeoreferenceError
from scenes.georeference import Georeference
from scenes.loading import LoadContext, loader_for
from scenes.problems import Problems
from scenes.sources import Placement, Source

SECRET = "this-was-secret"
PRIVATE = "private"
"""The name of the folder that no file under test may lead to."""
FRAME = Georeference("EPSG:32651", 354_000.0, 3_457_000.0)
HERE = Placement(354_000.0, 3_457_000.0)


@dataclass(frozen=True)
class Outcome:
    """How reading ended: the objects, or the sentence of the refusal; what was touched of what is private."""

    objects: int = 0
    sentence: str = ""
    told: bool = False
    touched: tuple[str, ...] = ()


@dataclass(frozen=True)
class HostileReader:
    """Finds the loader of a source, and locates and loads it, as an assembly does."""

    guarded = True
    name: str = "hostile"

    def run(self, source: Source) -> Outcome:
        """Return the outcome; whatever is no `CityTwinError` goes up and fails the test."""
        touched = _watched()
        problems = Problems()
        try:
            objects, told = _load(source, problems)
        except CityTwinError as error:
            objects, told, sentence = 0, SECRET in str(error), str(error)
        else:
            sentence = ""
        told = told or any(SECRET in problem.message for problem in problems.listed())
        return Outcome(objects, sentence, told, tuple(touched))


_touched: list[str] = []


def _watched() -> list[str]:
    """Return an emptied list that takes down every private file opened and every address asked by this process."""
    if not getattr(sys, "citytwin_watched", False):
        sys.addaudithook(_note)
        sys.citytwin_watched = True  # type: ignore[attr-defined]
    _touched.clear()
    return _touched


def _note(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open" and PRIVATE in Path(os.path.realpath(str(arguments[0]))).parts:  # links too
        _touched.append(str(arguments[0]))
    if event in {"socket.connect", "socket.getaddrinfo", "urllib.Request", "subprocess.Popen", "os.system"}:
        _touched.append(event)


def _load(source: Source, problems: Problems) -> tuple[int, bool]:
    loader = loader_for(source)
    context = LoadContext(FRAME, problems=problems)
    try:
        located = loader.locate(source)
    except GeoreferenceError:
        located = None
    if located is None:
        source = replace(source, place=source.place or HERE)
    else:
        context = replace(context, georeference=Georeference.around(located.longitude_deg, located.latitude_deg))
    surface = loader.surface(source, context)
    if surface is not None:
        context = replace(context, ground=surface)
    objects, told = 0, False
    for _, batch in loader.load(source, context):
        objects += len(batch)
        told = told or SECRET in str(batch.table.to_pylist())
    return objects, told
