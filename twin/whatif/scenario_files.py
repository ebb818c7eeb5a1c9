"""Scenarios in a city package: ``NAME.city/scenarios/<name>.json``, written beside and renamed into place."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scenes import SimulationError
from twin.whatif.scenario import Scenario

if TYPE_CHECKING:
    from scenes import Scene

_FOLDER = "scenarios"


def save_scenario(package: str | Path, scenario: Scenario) -> Path:
    """Write a scenario into a city package and return its file; an older one of that name is replaced."""
    folder = Path(package) / _FOLDER
    folder.mkdir(exist_ok=True)
    target = folder / f"{scenario.name}.json"
    number, name = tempfile.mkstemp(prefix=f".{scenario.name}.", suffix=".tmp", dir=folder)
    try:
        with os.fdopen(number, "w", encoding="utf-8") as stream:
            stream.write(scenario.to_json())
        Path(name).chmod(0o644)
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return target


def load_scenario(package: str | Path, name: str, scene: Scene) -> Scenario:
    """Return a scenario of a city package with all its parents.

    Raises
    ------
    SimulationError
        When there is none of that name, or its parents form a ring.
    """
    return _load(Path(package), name, scene, ())


def list_scenarios(package: str | Path) -> list[dict[str, Any]]:
    """Return name, title, author, parent and number of edits of each scenario, by name."""
    found = []
    for file in sorted((Path(package) / _FOLDER).glob("*.json")):
        told = _read(file)
        facts = {key: told.get(key, "") for key in ("name", "title", "author", "note", "parent")}
        found.append(facts | {"edits": len(told.get("edits", []))})
    return found


def scenario_stamps(package: str | Path) -> frozenset[tuple[str, int, int]]:
    """Return name, size and time of change of the file of each scenario: other ones after any of them is written."""
    found = []
    for file in (Path(package) / _FOLDER).glob("*.json"):
        with contextlib.suppress(FileNotFoundError):
            facts = file.stat()
            found.append((file.stem, facts.st_size, facts.st_mtime_ns))
    return frozenset(found)


def remove_scenario(package: str | Path, name: str) -> None:
    """Delete a scenario that no other one builds on.

    Raises
    ------
    SimulationError
        When there is none of that name, or others build on it.
    """
    known = list_scenarios(package)
    children = [each["name"] for each in known if each["parent"] == name]
    if children:
        raise SimulationError(name, f"{', '.join(children)} builds on it", "remove those first")
    if name not in {each["name"] for each in known}:
        raise _unknown(package, name)
    (Path(package) / _FOLDER / f"{name}.json").unlink()


def _load(package: Path, name: str, scene: Scene, seen: tuple[str, ...]) -> Scenario:
    if name in seen:
        raise SimulationError(name, f"its parents form a ring ({' > '.join((*seen, name))})", "correct a parent")
    if name not in {file.stem for file in (package / _FOLDER).glob("*.json")}:
        raise _unknown(package, name)
    told = _read(package / _FOLDER / f"{name}.json")
    parent = _load(package, told["parent"], scene, (*seen, name)) if told.get("parent") else scene
    return Scenario.from_dict(told, parent)


def _read(file: Path) -> dict[str, Any]:
    try:
        told = json.loads(file.read_text("utf-8"))
    except ValueError as error:
        raise SimulationError(file, f"is not JSON ({error})", "restore it from a copy") from error
    if not isinstance(told, dict):
        raise SimulationError(file, "is not a scenario", "restore it from a copy")
    return told


def _unknown(package: str | Path, name: str) -> SimulationError:
    names = ", ".join(file.stem for file in sorted((Path(package) / _FOLDER).glob("*.json"))) or "none"
    return SimulationError(name, f"{package} has no such scenario", f"there are {names}")
