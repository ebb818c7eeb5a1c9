"""Simulations for a page: starts jobs, passes their progress on, and turns results into overlays and cards."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from scenes import UnknownObjectError
from twin.view.colour import ColourScale
from twin.view.results import ResultShelf, SharedResult
from twin.view.rpc import OverlayData, plain
from twin.view.sentences import said_in
from twin.view.variant_objects import VariantObjects
from twin.whatif.edits import AddObject

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from scenes import Field, MeshSet, Scene
    from twin.view.rpc import SceneService
    from twin.whatif.job import Job
    from twin.whatif.result import Result
    from twin.whatif.scenario import Scenario

MOST_LISTED = 200
_RAMP_OF_UNIT = {"h": "sun", "min": "sun", "m": "water"}


class PageSimulations:
    """Runs the installed simulations for the pages of one scene.

    Parameters
    ----------
    service
        Answers ``simulate``, ``compare``, ``cancel`` and ``scenario_geometry`` from now on, and offers the
        resulting overlays.
    scenarios
        Branches of the city that may be simulated, by name.
    on_progress
        Hears {job, progress, message} from the job's thread.
    shelf
        Keeps results for all pages of the city; None = for this one alone.
    """

    def __init__(
        self,
        service: SceneService,
        scenarios: Mapping[str, Scenario],
        on_progress: Callable[[dict[str, Any]], None],
        shelf: ResultShelf | None = None,
    ) -> None:
        self.service = service
        self.shelf = ResultShelf() if shelf is None else shelf
        self.scenarios = dict(scenarios)
        self.objects = VariantObjects(service, self._having)
        self._on_progress = on_progress
        self._jobs: dict[str, list[Job]] = {}
        self._geometries: dict[str, dict[str, Any]] = {}
        self._cancelled: set[str] = set()
        self._shared: set[int] = set()
        self._lock = threading.Lock()
        service.register("simulate", self._simulate)
        service.register("compare", self._compare)
        service.register("cancel", self._cancel)
        service.register("scenario_geometry", self._geometry)
        self.offer_shared()

    @staticmethod
    def specs() -> list[dict[str, Any]]:
        """Return what the page needs to draw a form for each installed simulation."""
        from twin.whatif.registry import simulations  # noqa: PLC0415 - found by entry point when it is needed

        return [plain(engine.spec.as_dict()) for engine in simulations().values()]

    def _simulate(self, params: Mapping[str, Any]) -> dict[str, Any]:
        scenario = self._scenario(params.get("scenario"))
        (result,) = self._run(params, [scenario])
        overlays, surfaces = self._overlays(result, _title(scenario))
        card = self._card(result, scenario, overlays) | {"inputs": plain(dict(params.get("inputs") or {}))}
        made = SharedResult(
            self.service.scene, card, tuple(overlays), surfaces, "" if scenario is None else scenario.hash
        )
        replaces = params.get("replaces")
        kept = self.shelf.add(made, self, None if replaces is None else int(replaces))
        self.offer_shared()
        return kept.card_with(self.scenarios)

    def offer_shared(self) -> list[dict[str, Any]]:
        """Offer the overlays of all results that the pages of the city share, and return their cards."""
        results = self.shelf.all()
        shared = {int(overlay.spec["id"]): overlay for each in results for overlay in each.overlays}
        for number in self._shared - set(shared):
            self.service.overlays.pop(number, None)
        for overlay in shared.values():
            self.service.add_overlay(overlay)
        self._shared = set(shared)
        return [each.card_with(self.scenarios) for each in results]

    def _compare(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Run the same simulation on two branches; both are coloured on one scale."""
        from twin.whatif.compare import compare  # noqa: PLC0415

        branches = [self._scenario(params.get(side)) for side in ("base", "variant")]
        base, variant = self._run(params, branches)
        scales = common_scales(base, variant)
        cards = []
        for result, branch in zip((base, variant), branches, strict=True):
            overlays, _ = self._overlays(result, "", scales)
            for overlay in overlays:
                self.service.add_overlay(overlay)
            cards.append(self._card(result, branch, overlays))
        told = compare(base, variant)
        titles = {kpi["name"]: kpi for kpi in cards[1]["kpis"]}
        made: dict[str, Any] = plain(
            {
                "base": cards[0],
                "variant": cards[1],
                "kpis": [
                    {
                        "name": name,
                        "titles": titles[name]["titles"],
                        "unit": titles[name]["unit"],
                        "technical": variant.spec.output(name).schema.get("x-role") == "technical",
                        **each,
                    }
                    for name, each in told.kpis.items()
                ],
                "newly_below": self._objects(variant.scene, told.newly_below),
                "newly_above": self._objects(variant.scene, told.newly_above),
                "below_count": len(told.newly_below),
                "above_count": len(told.newly_above),
                "trusted": told.trusted,
            }
        )
        return made

    def _geometry(self, params: Mapping[str, Any]) -> dict[str, Any]:
        from twin.view.variants import scenario_geometry  # noqa: PLC0415 - only when a scenario is shown

        scenario = self._scenario(params["scenario"])
        if scenario is None:
            return {"hidden": [], "surface": b"", "added": 0, "removed": 0, "changed": 0, "bounds": None}
        if scenario.name not in self._geometries:
            scene = self.service.scene
            made = scenario_geometry(scene, scenario, lambda uids: self.objects.slots(scenario, uids))
            self._geometries[scenario.name] = made | {"first": len(scene)}
        return self._geometries[scenario.name]

    def listed(self) -> list[dict[str, str]]:
        """Return name and title of each scenario."""
        return [{"name": name, "title": each.title or name} for name, each in self.scenarios.items()]

    def replace_scenarios(self, scenarios: Mapping[str, Scenario]) -> list[str]:
        """Work with other branches from now on, for somebody has edited them; return the names of those that differ."""
        before, self.scenarios = self.scenarios, dict(scenarios)
        names = [name for name in {**before, **scenarios} if not _alike(before.get(name), scenarios.get(name))]
        for name in names:
            self._geometries.pop(name, None)
        return names

    def _having(self, uid: str) -> Scenario | None:
        """Return a scenario that adds an object, with its objects placed."""
        for scenario in self.scenarios.values():
            if any(isinstance(edit, AddObject) and edit.uid == uid for edit in scenario.all_edits):
                self._geometry({"scenario": scenario.name})
                return scenario
        return None

    def _run(self, params: Mapping[str, Any], branches: Sequence[Scenario | None]) -> list[Result]:
        """Run one simulation on each branch in turn; progress counts them together, a cancel ends them all."""
        from twin.whatif.simulate import start  # noqa: PLC0415

        name, token = str(params["name"]), str(params.get("job", ""))
        inputs = dict(params.get("inputs") or {})

        def listener(place: int) -> Callable[[Mapping[str, Any]], None]:
            def on_event(event: Mapping[str, Any]) -> None:
                share = (place + event["share"]) / len(branches)
                self._on_progress({"job": token, "progress": share, "message": event["message"]})

            return on_event

        jobs = [start(self.service.scene, name, branch, inputs, listener(i)) for i, branch in enumerate(branches)]
        with self._lock:
            self._jobs[token] = jobs
            early = token in self._cancelled
        if early:
            _end(jobs)
        try:
            return [job.result() for job in jobs]
        finally:
            _end(jobs)
            with self._lock:
                self._jobs.pop(token, None)
                self._cancelled.discard(token)

    def _cancel(self, params: Mapping[str, Any]) -> bool:
        token = str(params["job"])
        with self._lock:
            jobs = self._jobs.get(token, [])
            if not jobs:
                self._cancelled.add(token)
        _end(jobs)
        return bool(jobs)

    def _scenario(self, name: object) -> Scenario | None:
        if not name:
            return None
        found = self.scenarios.get(str(name))
        if found is None:
            known = ", ".join(self.scenarios) or "none"
            raise UnknownObjectError(str(name), "there is no such scenario", f"there are {known}")
        return found

    def _overlays(
        self, result: Result, variant: str, scales: Mapping[str, ColourScale] | None = None
    ) -> tuple[list[OverlayData], dict[int, MeshSet]]:
        """Return each field of a result as an overlay, and the coloured surfaces of those that have one."""
        overlays, surfaces = [], {}
        for port, field in result.fields_on(self.service.scene).items():
            number = self.shelf.number()
            scale = None if scales is None else replace(scales[port], name=f"{port}-{number}")
            titles = result.spec.output(port).titles
            data = field_overlay(self.service.scene, field, number, titles, variant, scale)
            overlays.append(replace(data, spec={**data.spec, "port": port, "surface": bool(data.surface)}))
            if field.surface is not None:
                surfaces[number] = painted_surface(field, scale or _own_scale(field, number, titles, variant))
        return overlays, surfaces

    def _objects(self, scene: Scene, uids: Sequence[str]) -> list[dict[str, Any]]:
        """Return links to objects of a branch; the handle is that of the city, None for an object that is new."""
        shown = list(uids[:MOST_LISTED])
        handles = self.service.scene.handles(shown).tolist() if shown else []
        return [
            {"uid": uid, "handle": handle if handle >= 0 else None, "name": scene[uid].name}
            for uid, handle in zip(shown, handles, strict=True)
        ]

    @staticmethod
    def _card(result: Result, scenario: Scenario | None, overlays: Sequence[OverlayData]) -> dict[str, Any]:
        card = result.as_dict()
        made: dict[str, Any] = plain(
            {
                "name": result.spec.id,
                "titles": card["titles"],
                "scenario": _name(scenario),
                "overlays": [dict(overlay.spec) for overlay in overlays],
                "stale": "",
                "kpis": card["kpis"],
                "checks": [_check_in_words(check) for check in card["checks"]],
                "trusted": card["trusted"],
                "provenance": card["provenance"],
            }
        )
        return made


def common_scales(base: Result, variant: Result) -> dict[str, ColourScale]:
    """Return one colour scale for each field that either result has, over the values of both."""
    scales = {}
    for port in {**base.fields, **variant.fields}:
        fields = [result.fields[port] for result in (base, variant) if port in result.fields]
        limits = np.array([field.limits() for field in fields])
        finite = limits[np.isfinite(limits).all(axis=1)]
        low, high = (finite[:, 0].min(), finite[:, 1].max()) if len(finite) else (np.nan, np.nan)
        titles = variant.spec.output(port).titles
        scales[port] = _ramp(port, fields[0].unit, dict(titles), float(low), float(high))
    return scales


def _ramp(name: str, unit: str, titles: Mapping[str, str], low: float, high: float) -> ColourScale:
    """Return a ramp over the limits of a quantity, from zero where that is near."""
    if not np.isfinite(low) or high <= low:
        low, high = (0.0, 1.0) if not np.isfinite(low) else (low, low + 1.0)
    start = min(low, 0.0) if low < 0.3 * high else low
    return ColourScale(name, unit, titles, start, high, _RAMP_OF_UNIT.get(unit, "viridis"))


def _check_in_words(check: Mapping[str, Any]) -> dict[str, Any]:
    """Return a check with its name and its sentence in both languages."""
    name, message = str(check["name"]), str(check["message"])
    titles = {"en": name.replace("_", " "), "zh": said_in(name, "zh")}
    return {**check, "titles": titles, "messages": {"en": message, "zh": said_in(message, "zh")}}


def _end(jobs: Sequence[Job]) -> None:
    for job in jobs:
        job.cancel()


def _alike(one: Scenario | None, other: Scenario | None) -> bool:
    """Say whether two scenarios are called the same and have the same edits."""
    if one is None or other is None:
        return one is other
    return one.title == other.title and one.all_edits == other.all_edits


def _name(scenario: Scenario | None) -> str:
    return "" if scenario is None else scenario.name


def _title(scenario: Scenario | None) -> str:
    return "" if scenario is None else scenario.title or scenario.name


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
        Title of the scenario that was simulated, added to the names.
    scale
        Colours; default a ramp over the field's own limits.
    """
    chosen = scale or _own_scale(field, number, titles, variant)
    codes = np.zeros(len(scene), np.uint8)
    if field.handles is not None:
        inside = field.handles < len(scene)
        quality = None if field.quality is None else field.quality[inside]
        codes[field.handles[inside]] = chosen.codes(field.values[inside], quality)
    return OverlayData(chosen.spec(number, source="field"), lambda: codes, _surface(field, chosen))


def _own_scale(field: Field, number: int, titles: Mapping[str, str], variant: str) -> ColourScale:
    suffix = f" · {variant}" if variant else ""
    named = {language: title + suffix for language, title in titles.items()}
    return _ramp(f"{field.name}-{number}", field.unit, named, *field.limits())


def painted_surface(field: Field, scale: ColourScale) -> MeshSet:
    """Return the surface of a field in the colours of a scale."""
    if field.surface is None:
        raise ValueError(f"{field.name}: lies on objects and has no surface")
    colours = scale.palette()[scale.codes(field.values, field.quality)]
    colours[:, 3] = 255
    return replace(field.surface, colours=colours)


def _surface(field: Field, scale: ColourScale) -> bytes:
    from scenes.tiles import surface_glb  # noqa: PLC0415

    return b"" if field.surface is None else surface_glb(painted_surface(field, scale))
