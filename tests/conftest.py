"""Fixtures that every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# Shared machines stumble: how long an example takes says nothing about the code.
settings.register_profile("citytwin", deadline=None)
settings.load_profile("citytwin")

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder with real files (TWIN_DATA, by default beside the checkout)."""
    folder = Path(os.environ.get("TWIN_DATA", ROOT.parent / "shared" / "data")).resolve()
    if not folder.is_dir():
        pytest.skip(f"no real files: {folder} is not a folder; set TWIN_DATA")
    return folder
