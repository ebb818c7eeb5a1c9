"""Small files to read, written on the spot."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from shapely.geometry import mapping

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

UTM51 = "urn:ogc:def:crs:EPSG::32651"


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write a GeoJSON file of (geometry, properties) in EPSG:32651 and return its path."""

    def _write(name: str, features: list[tuple[Any, dict[str, Any]]], crs: str | None = UTM51) -> Path:
        body: dict[str, Any] = {
            "type": "FeatureCollection",
            "features": [
                {"type": "Feature", "geometry": None if shape is None else mapping(shape), "properties": values}
                for shape, values in features
            ],
        }
        if crs:
            body["crs"] = {"type": "name", "properties": {"name": crs}}
        path = tmp_path / name
        path.write_text(json.dumps(body), encoding="utf-8")
        return path

    return _write


@pytest.fixture
def save(tmp_path: Path) -> Callable[..., Path]:
    """Write a text, by default as ``city.gml``, and return its path."""

    def _save(text: str, name: str = "city.gml") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return _save
