"""The run itself, alone in its process: samples, sun positions, rays, and the figures of each building."""

from __future__ import annotations

import datetime as dt
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from scenes import SimulationError
from twin.whatif.sunlight.hours import Tally, count_hours
from twin.whatif.sunlight.rays import Tracer
from twin.whatif.sunlight.rules import REFERENCE_YEAR, RULES
from twin.whatif.sunlight.samples import FRONT_M, FacadeSamples, GroundSamples, sample_facades, sample_ground
from twin.whatif.sunlight.sun import SunPath, standard_day, sun_path

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from twin.whatif.protocol import Context

    Floats = NDArray[np.float64]

_DISPLAY_M = 0.08  # drawn cells stand this far off the wall, so that they hide it


@dataclass(frozen=True)
class Day:
    """The day that is looked at: its date, its window in true solar time, and the hours that are asked for."""

    date: dt.date
    start_h: float
    end_h: float
    required_h: float

    @classmethod
    def of(cls, inputs: Mapping[str, Any]) -> Day:
        """Read the day from the inputs.

        Raises
        ------
        SimulationError
            When rule 'date' comes without a date or with an empty window.
        """
        rule = RULES.get(inputs["rule"])
        required = inputs["required_hours"]
        if rule is not None:
            hours = rule.required_hours if required is None else required
            return cls(standard_day(rule, REFERENCE_YEAR), rule.start_h, rule.end_h, float(hours))
        if inputs["date"] is None:
            raise SimulationError("sunlight", "rule 'date' needs a date", "give date as YYYY-MM-DD")
        try:
            date = dt.date.fromisoformat(inputs["date"])
        except ValueError as error:
            raise SimulationError(inputs["date"], "is not a date", "give it as YYYY-MM-DD") from error
        if not inputs["start_h"] < inputs["end_h"]:
            raise SimulationError("sunlight", "the window is empty", "give start_h below end_h")
        return cls(date, float(inputs["start_h"]), float(inputs["end_h"]), 1.0 if required is None else float(required))

    def steps(self, step_min: float) -> tuple[Floats, float]:
        """Return the middles of equal steps in true solar hours, and their length, at most `step_min` minutes."""
        count = int(np.ceil((self.end_h - self.start_h) * 60 / step_min - 1e-9))
        length = (self.end_h - self.start_h) / count
        return self.start_h + (np.arange(count, dtype=np.float64) + 0.5) * length, length


def run_case(case: Path, context: Context) -> None:
    """Compute the case in a folder that `write_case` made, and write ``result.npz`` and ``result.json``."""
    described = json.loads((case / "case.json").read_text("utf-8"))
    inputs, place = described["inputs"], described["place"]
    with np.load(case / "scene.npz") as data:
        scene = {name: data[name] for name in data.files}
    inputs["anchor"] = scene["centre"][:2].tolist()
    day = Day.of(inputs)
    context.progress(0.0, "building the ray tracer")
    everything = Tracer(*_soup(np.concatenate([scene["solid"], scene["relief"]])))
    relief, has_relief = Tracer(*_soup(scene["relief"])), len(scene["relief"]) > 0
    context.progress(0.02, "placing sample points")
    facades = sample_facades((scene["walls"], scene["owner"]), relief, inputs, has_relief=has_relief)
    ground = GroundSamples(np.zeros((0, 3)), float(inputs["ground_resolution_m"]))
    if inputs["ground"]:
        ground = sample_ground(scene["walls"], everything, relief, inputs, has_relief=has_relief)
    if not len(facades.cells):
        raise SimulationError("sunlight", "no façade stands above the ground", "check the heights of the buildings")
    hours, step_h = day.steps(float(inputs["time_step_min"]))
    path = sun_path(day.date, place["latitude_deg"], place["longitude_deg"], hours)
    traced = _trace(everything, (facades, ground), path.directions(place["convergence_deg"]), step_h, inputs, context)
    _write(case, scene, (facades, ground), traced, _facts(day, path, place, facades, traced))


@dataclass(frozen=True, eq=False)
class Traced:
    """Hours at façade cells, sill points and ground cells, and what the checks need."""

    cells: Floats
    sills: Floats
    ground: Floats
    rays: int
    seconds: float
    imbalance_h: float
    open_sky_h: float
    day_h: float


def _trace(
    tracer: Tracer,
    samples: tuple[FacadeSamples, GroundSamples],
    directions: Floats,
    step_h: float,
    inputs: Mapping[str, Any],
    context: Context,
) -> Traced:
    facades, ground = samples
    least_sine, least_h = float(np.sin(np.radians(inputs["min_angle_deg"]))), inputs["min_period_min"] / 60.0
    total = len(directions)

    def report(first: float, last: float, name: str) -> Callable[[int], None]:
        return lambda step: context.progress(
            first + (last - first) * (step + 1) / total, f"{name}, sun position {step + 1} of {total}"
        )

    begun = time.perf_counter()
    walls = Tally(len(facades.points), step_h, least_h)
    front = (facades.points.astype(np.float32), facades.normals.astype(np.float32))
    rays = count_hours(tracer, front, directions, walls, least_sine, report(0.05, 0.7, "façades"))
    # The last point floats far above the city: it must get every hour that the sun is up.
    high = np.array([[0.0, 0.0, 5000.0]])
    floor = np.concatenate([ground.middles + np.array([0.0, 0.0, FRONT_M]), high]).astype(np.float32)
    open_ground = Tally(len(floor), step_h, least_h)
    up = np.tile(np.array([[0, 0, 1]], np.float32), (len(floor), 1))
    rays += count_hours(tracer, (floor, up), directions, open_ground, 0.0, report(0.7, 0.95, "ground"))
    seconds = time.perf_counter() - begun
    measured, cells = walls.measure(inputs["measure"]), len(facades.cells)
    return Traced(
        measured[:cells],
        measured[cells:],
        open_ground.measure(inputs["measure"])[:-1],
        rays,
        seconds,
        max(walls.imbalance_h(), open_ground.imbalance_h()),
        float(open_ground.total_h[-1]),
        (open_ground.steps - open_ground.below_steps) * step_h,
    )


def building_hours(facades: FacadeSamples, sill_hours: Floats, count: int) -> Floats:
    """Return the (count,) least hours along the sill of each building's main façade, NaN without a ground floor.

    The main façade is the panel whose sill line gathers most hours times metres.
    """
    panels = facades.sill_panels
    gathered = np.bincount(panels, (sill_hours + 1e-6) * facades.sill_widths, len(facades.panels))
    least = np.full(len(facades.panels), np.inf)
    np.minimum.at(least, panels, sill_hours)
    used = np.unique(panels)
    order = used[np.lexsort([least[used], gathered[used], facades.panels.objects[used]])]
    hours = np.full(count, np.nan)
    hours[facades.panels.objects[order]] = least[order]  # the last of each object stays: its greatest
    return hours


def _facts(
    day: Day, path: SunPath, place: Mapping[str, float], facades: FacadeSamples, traced: Traced
) -> dict[str, Any]:
    noon = sun_path(day.date, place["latitude_deg"], place["longitude_deg"], np.array([12.0]))
    return {
        "date": day.date.isoformat(),
        "start": _iso(path.utc_s[0]),
        "end": _iso(path.utc_s[-1]),
        "window_h": day.end_h - day.start_h,
        "required_hours": day.required_h,
        "resolution_used_m": facades.resolution_m,
        "rays": traced.rays,
        "trace_s": traced.seconds,
        "imbalance_h": traced.imbalance_h,
        "open_sky_h": traced.open_sky_h,
        "day_h": traced.day_h,
        "off_meridian_deg": float(np.degrees(np.arcsin(abs(noon.directions()[0, 0])))),
    }


def _write(
    case: Path,
    scene: Mapping[str, Any],
    samples: tuple[FacadeSamples, GroundSamples],
    traced: Traced,
    facts: Mapping[str, Any],
) -> None:
    facades, ground = samples
    owner = facades.panels.objects[facades.cells.panels]
    order = np.argsort(owner, kind="stable")
    corners = facades.cells.corners(facades.panels) + _DISPLAY_M * facades.panels.normals[facades.cells.panels][:, None]
    half = ground.size_m / 2
    around = np.array([[-half, -half, 0.0], [half, -half, 0.0], [half, half, 0.0], [-half, half, 0.0]])
    np.savez(
        case / "result.npz",
        centre=scene["centre"],
        handles=scene["handles"],
        hours=building_hours(facades, traced.sills, len(scene["handles"])),
        cell_owner=owner[order],
        cell_corners=corners[order].astype(np.float32),
        cell_area=facades.cells.areas()[order],
        cell_hours=traced.cells[order],
        ground_corners=(ground.middles[:, None] + around + np.array([0.0, 0.0, _DISPLAY_M])).astype(np.float32),
        ground_hours=traced.ground,
        sill_count=len(facades.sill_panels),
    )
    (case / "result.json").write_text(json.dumps(facts), "utf-8")


def _soup(corners: NDArray[np.floating]) -> tuple[NDArray[np.floating], NDArray[np.integer]]:
    return corners.reshape(-1, 3), np.arange(len(corners) * 3, dtype=np.int32).reshape(-1, 3)


def _iso(utc_s: float) -> str:
    return dt.datetime.fromtimestamp(round(float(utc_s)), tz=dt.UTC).isoformat().replace("+00:00", "Z")
