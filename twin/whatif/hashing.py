"""The name of a case: equal for equal engines, scenes and inputs, so that nothing is computed twice."""

from __future__ import annotations

import hashlib
import json
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scenes import Scene
    from twin.whatif.protocol import Spec


def scene_hash(scene: Scene, themes: tuple[str, ...] = ()) -> str:
    """Return the hash of the frame, the handles, and the layers of some themes (empty = all)."""
    frame = scene.georeference
    digest = hashlib.blake2b(digest_size=16)
    digest.update(repr((frame.crs, frame.easting_m, frame.northing_m, frame.height_m, scene.epoch)).encode())
    for name, layer in scene.layers.items():
        if not themes or layer.theme in themes:
            digest.update(f"{name};{layer.theme};".encode())
            for batch in layer.batches:
                digest.update(batch.content_hash.encode())
    return digest.hexdigest()


def engine_versions(spec: Spec) -> dict[str, str]:
    """Return the versions of the engine's libraries, ``missing`` where one is not installed; imports none."""
    return {name: _version(name) for name in spec.engines}


def case_hash(spec: Spec, scene: Scene, inputs: Mapping[str, Any]) -> str:
    """Return the hash of everything that decides the result."""
    parts = {
        "spec": [spec.id, spec.version],
        "engines": engine_versions(spec),
        "scene": scene_hash(scene, spec.reads),
        "inputs": dict(inputs),
    }
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "missing"
