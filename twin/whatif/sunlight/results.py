"""Reads what the engine wrote: fields, figures and checks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from scenes import Field, MeshSet
from twin.whatif.protocol import Check, Collected

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def read_case(case: Path) -> Collected:
    """Return fields, KPIs and checks of a finished case."""
    facts: dict[str, Any] = json.loads((case / "result.json").read_text("utf-8"))
    with np.load(case / "result.npz") as data:
        result = {name: data[name] for name in data.files}
    return Collected(_fields(result, f"{facts['start']}/{facts['end']}"), _kpis(result, facts), _checks(facts))


def _fields(result: Mapping[str, Any], time: str) -> dict[str, Field]:
    count = len(result["handles"])
    fields = {
        "sunlit_hours": Field(
            "sunlit_hours", "h", result["hours"].astype(np.float32), handles=result["handles"], time=time
        ),
        "facade_mean_hours": Field(
            "facade_mean_hours", "h", _means(result, count).astype(np.float32), handles=result["handles"], time=time
        ),
        "facade_hours": _surface(
            "facade_hours", result["cell_corners"], result["cell_hours"], result["cell_owner"], result["centre"], time
        ),
    }
    if len(result["ground_hours"]):
        nobody = np.zeros(len(result["ground_hours"]), np.int64)
        fields["ground_hours"] = _surface(
            "ground_hours", result["ground_corners"], result["ground_hours"], nobody, result["centre"], time
        )
    return fields


def _surface(name: str, corners: Floats, hours: Floats, owner: NDArray[np.int64], centre: Floats, time: str) -> Field:
    """Return one quad a cell, four vertices each; cells are sorted by owner."""
    count = len(hours)
    first = np.arange(count)[:, None, None] * 4
    triangles = (first + np.array([[0, 1, 2], [0, 2, 3]])).reshape(-1, 3).astype(np.uint32)
    rows, starts = np.unique(owner, return_index=True)
    edges = np.append(starts, count)
    mesh = MeshSet(
        centre,
        corners.reshape(-1, 3).astype(np.float32),
        triangles,
        rows.astype(np.uint32),
        (edges * 4).astype(np.uint32),
        (edges * 2).astype(np.uint32),
    )
    return Field(name, "h", np.repeat(hours, 4).astype(np.float32), surface=mesh, time=time)


def _means(result: Mapping[str, Any], count: int) -> Floats:
    weight = np.bincount(result["cell_owner"], result["cell_area"], count)
    total = np.bincount(result["cell_owner"], result["cell_area"] * result["cell_hours"], count)
    means: Floats = np.divide(total, weight, out=np.full(count, np.nan), where=weight > 0)
    return means


def _kpis(result: Mapping[str, Any], facts: Mapping[str, Any]) -> dict[str, Any]:
    known = result["hours"][np.isfinite(result["hours"])]
    area, required = result["cell_area"], facts["required_hours"]
    below = float(area[result["cell_hours"] < required - 1e-9].sum())
    whole = float(area.sum())
    return {
        "date": facts["date"],
        "window_h": facts["window_h"],
        "required_hours": required,
        "buildings": len(known),
        "buildings_below": int((known < required - 1e-9).sum()),
        "facade_area_m2": round(whole, 1),
        "facade_share_below": round(100 * below / whole, 2),
        "facade_mean": round(float((area * result["cell_hours"]).sum()) / whole, 4),
        "resolution_used_m": round(facts["resolution_used_m"], 3),
        "points": len(result["cell_hours"]) + len(result["ground_hours"]) + int(result["sill_count"]),
        "rays": facts["rays"],
        "trace_s": round(facts["trace_s"], 3),
    }


def _checks(facts: Mapping[str, Any]) -> dict[str, Check]:
    off_meridian = facts["off_meridian_deg"]
    lost = abs(facts["open_sky_h"] - facts["day_h"])
    return {
        "balance": Check(
            facts["imbalance_h"] <= 1e-6,
            "sunlit + shaded + sun below the horizon make the whole window at every point",
            facts["imbalance_h"],
            1e-6,
        ),
        "solar_noon": Check(
            off_meridian <= 0.05, "the sun stands on the meridian at 12:00 true solar time", off_meridian, 0.05
        ),
        "open_sky": Check(lost <= 1e-6, "a point above the city gets every hour that the sun is up", lost, 1e-6),
    }
