"""Simulations for a page: starts jobs, passes their progress on, and turns results into overlays and cards."""

from __future__ import annotations

import itertools
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from scenes import UnknownObjectError
from twin.view.colour import ColourScale
from twin.view.rpc import OverlayData, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from scenes import Field, Scene
    from twin.view.rpc import SceneService
    from twin.whatif.job import Job
    from twin.whatif.result import Result
    from twin.whatif.scenario import Scenario

FIRST_NUMBER = 2001
_RAMP_OF_UNIT = {"h": "sun", "min": "sun", "m": "water"}


class PageSimulations:
    """Runs the installed simulations for the pages of one scene.

    Parameters
    ----------
    service
        Answers ``simulate`` and ``cancel`` from now on, and offers the resulting overlays.
    scenarios
        Branches of the city that may be simulated, by name.
    on_progress
        Hears {job, progress, message} from the job's thread.
    """

    def __init__(
        self,
        service: SceneService,
        scenarios: Mapping[str, Scenario],
        on_progress: Callable[[dict[str, Any]], None],
    ) -> None:
        self.service = service
        self.scenarios = dict(scenarios)
        self._on_progress = on_progress
        self._jobs: dict[str, Job] = {}
        self._cancelled: set[str] = set()
        self._numbers = itertools.count(FIRST_NUMBER)
        self._lock = threading.Lock()
        service.register("simulate", self._simulate)
        service.register("cancel", self._cancel)

    @staticmethod
    def specs() -> list[dict[str, Any]]:
        """Return what the page needs to draw a form for each installed simulation."""
        from twin.whatif.registry import simulations  # noqa: PLC0415 - found by entry point when it is needed

        return [plain(engine.spec.as_dict()) for engine in simulations().values()]

    def _simulate(self, params: Mapping[str, Any]) -> dict[str, Any]:
        from twin.whatif.simulate import start  # noqa: PLC0415

        name, token = str(params["name"]), str(params.get("job", ""))
        scenario = self._scenario(params.get("scenario"))
        inputs = dict(params.get("inputs") or {})

        def on_event(event: Mapping[str, Any]) -> None:
            self._on_progress({"job": token, "progress": event["share"], "message": event["message"]})

        job = start(self.service.scene, name, scenario, inputs, on_event)
        with self._lock:
            self._jobs[token] = job
            early = token in self._cancelled
        if early:
            job.cancel()
        try:
            result = job.result()
        finally:
            with self._lock:
                self._jobs.pop(token, None)
                self._cancelled.discard(token)
        return self._card(name, "" if scenario is None else scenario.name, result)

    def _cancel(self, params: Mapping[str, Any]) -> bool:
        token = str(params["job"])
        with self._lock:
            job = self._jobs.get(token)
            if job is None:
                self._cancelled.add(token)
        if job is not None:
            job.cancel()
        return job is not None

    def _scenario(self, name: object) -> Scenario | None:
        if not name:
            return None
        found = self.scenarios.get(str(name))
        if found is None:
            known = ", ".join(self.scenarios) or "none"
            raise UnknownObjectError(str(name), "there is no such scenario", f"there are {known}")
        return found

    def _card(self, name: str, scenario: str, result: Result) -> dict[str, Any]:
        overlays = []
        for port, field in result.fields_on(self.service.scene).items():
            data = field_overlay(
                self.service.scene, field, next(self._numbers), result.spec.output(port).titles, scenario
            )
            self.service.add_overlay(data)
            overlays.append(dict(data.spec))
        card = result.as_dict()
        made: dict[str, Any] = plain(
            {
                "name": name,
                "titles": card["titles"],
                "scenario": scenario,
                "overlays": overlays,
                "kpis": card["kpis"],
                "checks": card["checks"],
                "trusted": card["trusted"],
                "provenance": card["provenance"],
            }
        )
        return made


def field_overlay(
    scene: Scene,
    field: Field,
    number: int,
    titles: Mapping[str, str],
    variant: str = "",
    scale: ColourScale | None = None,
) -> OverlayData:
    """Return a field as an overlay: codes for its objects, or a coloured surface.

    Parameters
    ----------
    number
        The overlay's number.
    titles
        Names by language.
    variant
        Name of the scenario that was simulated, added to the names.
    scale
        Colours; default a ramp over the field's own limits.
    """
    low, high = field.limits()
    if not np.isfinite(low) or high <= low:
        low, high = (0.0, 1.0) if not np.isfinite(low) else (low, low + 1.0)
    suffix = f" · {variant}" if variant else ""
    named = {language: title + suffix for language, title in titles.items()}
    chosen = scale or ColourScale(
        f"{field.name}-{number}", field.unit, named, min(low, 0.0) if low < 0.3 * high else low, high,
        _RAMP_OF_UNIT.get(field.unit, "viridis"),
    )  # fmt: skip
    codes = np.zeros(len(scene), np.uint8)
    if field.handles is not None:
        inside = field.handles < len(scene)
        quality = None if field.quality is None else field.quality[inside]
        codes[field.handles[inside]] = chosen.codes(field.values[inside], quality)
    return OverlayData(chosen.spec(number, source="field"), lambda: codes, _surface(field, chosen))


def _surface(field: Field, scale: ColourScale) -> bytes:
    from scenes.tiles import surface_glb  # noqa: PLC0415

    if field.surface is None:
        return b""
    colours = scale.palette()[scale.codes(field.values, field.quality)]
    colours[:, 3] = 255
    return surface_glb(replace(field.surface, colours=colours))
