"""The front door of the package."""

from __future__ import annotations

import subprocess
import sys

import bim


def test_the_front_door_names_exactly_what_it_offers() -> None:
    offered = {name for name, value in vars(bim).items() if callable(value) and not name.startswith("_")}
    assert set(bim.__all__) == offered


def test_importing_the_package_does_not_open_the_ifc_library() -> None:
    code = "import sys, bim.loader, bim.reading; sys.exit('ifcopenshell' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
