"""The front door opens without reading anything, and has everything that it says."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

import gis


def test_every_name_of_the_door_is_there() -> None:
    assert set(dir(gis)) == set(gis.__all__) == set(gis._HOMES)
    for name in gis.__all__:
        found = getattr(gis, name)
        assert getattr(importlib.import_module(f"gis.{gis._HOMES[name]}"), name) is found
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = gis.nothing


def test_one_format_does_not_pay_for_the_others() -> None:
    code = "import sys, gis, gis.vector; print(*sorted(m for m in sys.modules if m in ('rasterio', 'laspy', 'osmium')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
