"""The front door of `scenes` lists exactly what can be imported, and opens quickly."""

from __future__ import annotations

import subprocess
import sys
from types import ModuleType

import scenes
import scenes.export
import scenes.store


def test_everything_listed_can_be_imported_and_everything_public_is_listed() -> None:
    for package in (scenes, scenes.store, scenes.export):
        public = {
            name
            for name, value in vars(package).items()
            if not name.startswith("_") and not isinstance(value, ModuleType) and name != "annotations"
        }
        assert public == set(package.__all__)
        assert len(package.__all__) == len(set(package.__all__))


def test_heavy_libraries_come_only_when_they_are_needed() -> None:
    heavy = ["pandas", "geopandas", "duckdb", "trimesh", "matplotlib", "cql2", "pyogrio", "twin", "gis", "bim"]
    code = f"import sys, scenes; print([name for name in {heavy!r} if name in sys.modules])"
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert output.strip() == "[]"


def test_errors_travel_between_processes() -> None:
    code = (
        "import pickle, scenes\n"
        "for kind in [getattr(scenes, n) for n in scenes.__all__ if n.endswith('Error')]:\n"
        "    error = kind('a.ifc', 'is broken', 'export it again')\n"
        "    again = pickle.loads(pickle.dumps(error))\n"
        "    assert type(again) is kind and str(again) == 'a.ifc: is broken; export it again', again\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
