"""`CityView`: the browser viewer as a Panel component, for apps and notebooks."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import panel as pn
import param
from panel.custom import JSComponent

from scenes import CityTwinError
from scenes.errors import MissingLibraryError
from twin.view.attributes import overlay_by_attribute
from twin.view.columns import PageColumns
from twin.view.drafts import PageDrafts
from twin.view.embedded import no_tiles, tiles_of
from twin.view.manifest import scene_manifest
from twin.view.offered import OfferedOverlays
from twin.view.pictures import PagePictures
from twin.view.results import ResultShelf
from twin.view.rpc import OverlayData, SceneService, require_handles
from twin.view.sentences import error_in, said_in
from twin.view.simulations import PageSimulations
from twin.whatif.shelf import ScenarioShelf

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from scenes import Field, Scene
    from twin.view.colour import ColourScale
    from twin.view.results import SharedResult
    from twin.view.rpc import StreamProvider
    from twin.whatif.scenario import Scenario

BUNDLE = Path(__file__).parent / "dist" / "city_view.js"
EMBEDDED_URL = "https://embedded.invalid/tiles/"
_POOL = ThreadPoolExecutor(max_workers=8, thread_name_prefix="citytwin-page")
_log = logging.getLogger(__name__)
_PYTHON_ONLY = ("language", "theme", "selection", "picked", "time", "overlay", "camera")


class CityView(JSComponent):
    """The city in the browser: layers, overlays, properties, sun, measuring.

    Parameters
    ----------
    scene
        What is shown.
    overlays
        Specs (`ColourScale.spec`) of overlays whose codes come over ``/live`` or by `set_codes`.
    live
        Live data of objects, such as a `twin.live.LiveHub`; None = nothing is live.
    tiles
        Folder with published tiles, to send them over the message channel; None = the page gets them from
        ``tiles/`` of the same server.
    scenarios
        Branches that simulations may run on, by name; or the shelf that has them, where edits of the page are kept.
    results
        Results of simulations that this view shares with others of the city; None = with nobody.
    attribution
        Who made the data.

    Examples
    --------
    >>> from scenes import Georeference, Scene
    >>> view = CityView(Scene(Georeference("EPSG:32651", 354_000.0, 3_457_000.0)), language="en")
    >>> view.language, view.selection
    ('en', [])
    """

    language: Any = param.Selector(default="zh", objects=["zh", "en"], doc="Language of the page.")
    theme: Any = param.Selector(default="light", objects=["light", "dark"], doc="Light or dark.")
    selection = param.List(default=[], item_type=str, doc="uids of the selected objects.")
    picked = param.String(default=None, allow_None=True, doc="uid of the object that was clicked last.")
    time = param.String(default="", doc="ISO 8601 instant of the sun; empty = the scene's own.")
    overlay = param.String(default=None, allow_None=True, doc="Name of the overlay, None = original colours.")
    camera = param.Dict(default=None, allow_None=True, doc="{position, target} in local metres.")
    full_page = param.Boolean(default=False, doc="Fill the window instead of the place in the layout.")
    first_language = param.String(default="zh", doc="Language before the scene arrives.")
    first_theme = param.String(default="light", doc="Theme before the scene arrives.")

    _bundle = "dist/city_view.js"
    _rename = dict.fromkeys(_PYTHON_ONLY)

    def __init__(  # noqa: PLR0913 - what a view may show, by name
        self,
        scene: Scene,
        *,
        overlays: Sequence[Mapping[str, Any]] = (),
        live: StreamProvider | None = None,
        tiles: str | Path | None = None,
        scenarios: Mapping[str, Scenario] | ScenarioShelf | None = None,
        results: ResultShelf | None = None,
        attribution: Sequence[str] = (),
        **params: Any,
    ) -> None:
        if not BUNDLE.is_file():
            advice = "install with pip install ., or run npm ci && npm run build in twin/view/web"
            raise MissingLibraryError(BUNDLE, "the viewer's bundle is not built", advice)
        params.setdefault("first_language", params.get("language", "zh"))
        params.setdefault("first_theme", params.get("theme", "light"))
        params.setdefault("sizing_mode", "stretch_both")
        super().__init__(**params)  # type: ignore[no-untyped-call]
        self._tiles = None if tiles is None else Path(tiles)
        self._attribution = list(attribution)
        self._basemaps: list[dict[str, Any]] = []
        self._surfaces: dict[str, bytes] = {}
        self._pick_callbacks: list[Callable[[str | None], None]] = []
        self._from_page = False
        self._document: Any = None
        self.results = ResultShelf() if results is None else results
        self.results.watch(self._hear_result)
        self._serve(scene, overlays, live, scenarios)
        self.param.watch(self._tell_change, list(_PYTHON_ONLY))

    def _serve(
        self,
        scene: Scene,
        overlays: Sequence[Mapping[str, Any]],
        live: StreamProvider | None,
        scenarios: Mapping[str, Scenario] | ScenarioShelf | None,
    ) -> None:
        """Answer for a scene from now on."""
        self.scene = scene
        self.service = SceneService(scene, live)
        self._shelf = scenarios if isinstance(scenarios, ScenarioShelf) else ScenarioShelf(scene, first=scenarios)
        self._shelf.watch(self._hear_scenarios)
        self.results.renew(scene)
        self.simulations = PageSimulations(self.service, self._shelf.all(), self._tell_progress, self.results)
        PageDrafts(self.service, self.simulations, self._shelf)
        self._live = live
        self._overlays = OfferedOverlays(scene, self.service, overlays)
        PageColumns(scene).register(self.service)
        PagePictures(scene).register(self.service)
        self.service.register("tile", no_tiles if self._tiles is None else tiles_of(self._tiles))

    # for programs ----------------------------------------------------------------------------------

    def renew(
        self,
        scene: Scene,
        *,
        overlays: Sequence[Mapping[str, Any]] = (),
        live: StreamProvider | None = None,
        scenarios: Mapping[str, Scenario] | ScenarioShelf | None = None,
    ) -> None:
        """Show another version of the city: the page fetches what changed, and keeps view, selection and overlay.

        Overlays that were added for the handles of before go when handles mean other objects now.

        Parameters
        ----------
        scene, overlays, live, scenarios
            As for a new view.
        """
        added = self.service.overlays if scene.epoch == self.scene.epoch else {}
        self._serve(scene, overlays, live, scenarios)
        self._overlays.keep(added)
        self._quietly(
            selection=[uid for uid in self.selection if uid in scene],
            picked=self.picked if self.picked in scene else None,
            overlay=self.overlay if self.overlay in self._overlays.names else None,
        )
        self._tell({"op": "renew", "manifest": self.manifest()})

    def in_session(self, work: Callable[[], object]) -> None:
        """Do something to the view from another thread or another session, in its own."""
        document = self._document
        if document is None or document.session_context is None:
            work()
        else:
            document.add_next_tick_callback(work)

    def set_codes(self, overlay: str | int, codes: NDArray[np.uint8]) -> None:
        """Recolour the whole city: one code for each handle, shape (n,) uint8."""
        number, every = self._overlays.set_codes(overlay, codes)
        self._tell({"op": "codes", "overlay": number, "codes": every})

    def set_codes_of(self, overlay: str | int, handles: NDArray[np.uint32], codes: NDArray[np.uint8]) -> None:
        """Recolour some objects: (m,) handles and their codes."""
        number, places, changed = self._overlays.set_codes_of(overlay, handles, codes)
        self._tell({"op": "codes_delta", "overlay": number, "handles": places, "codes": changed})

    def show_attribute(self, column: str, ramp: str = "viridis") -> None:
        """Colour the city by an attribute column."""
        made = overlay_by_attribute(self.scene, column, ramp)
        self._show(OverlayData(made.spec(self._overlays.free_number(column)), lambda: made.codes))

    def show_field(
        self, field: Field, scale: ColourScale | None = None, titles: Mapping[str, str] | None = None
    ) -> None:
        """Colour the city by a field, or draw the field's own surface."""
        from twin.view.simulations import field_overlay  # noqa: PLC0415

        number = self._overlays.free_number(scale.name if scale else field.name)
        names = titles or (scale.titles if scale else {}) or {"en": field.name, "zh": field.name}
        self._show(field_overlay(self.scene, field, number, names, scale=scale))

    def _show(self, overlay: OverlayData) -> None:
        """Offer an overlay and colour the city by it."""
        spec = self._overlays.offer(overlay)
        self._tell({"op": "overlay_spec", "overlay": spec})
        self._quietly(overlay=str(spec["name"]))
        self._tell({"op": "overlay", "id": spec["id"]})

    def show_surface(self, name: str, glb: bytes | None) -> None:
        """Draw a surface (glb with vertex colours) over the city; None removes it."""
        if glb is None:
            self._surfaces.pop(name, None)
        else:
            self._surfaces[name] = glb
        self._tell({"op": "field_surface", "name": name, "glb": glb})

    def fly_to(self, uids: str | Sequence[str]) -> None:
        """Select objects and fly to them."""
        wanted = [uids] if isinstance(uids, str) else list(uids)
        handles = require_handles(self.scene, wanted)
        self._quietly(selection=wanted)
        self._tell({"op": "select", "handles": handles, "fly": True})

    def on_pick(self, callback: Callable[[str | None], None]) -> None:
        """Call back with the uid of every object that is clicked, None for the ground."""
        self._pick_callbacks.append(callback)

    def notify(self, message: str, severity: str = "info") -> None:
        """Show a notice on the page: ``info`` or ``error``."""
        self._tell({"op": "event", "name": "notice", "data": {"message": message, "severity": severity}})

    def offer_basemaps(self, specs: Sequence[Mapping[str, Any]], check: Callable[[str], Mapping[str, Any]]) -> None:
        """Let the page lay maps under the city.

        Parameters
        ----------
        specs
            What the page is told of each (see ``BasemapSpec`` in ``web/src/engine/api.ts``).
        check
            Returns ``{"max_zoom"}`` of a map by its name, or raises a `CityTwinError` where it cannot be shown.
        """
        self._basemaps = [dict(spec) for spec in specs]
        self.service.register("basemap", lambda params: dict(check(str(params["name"]))))

    def manifest(self) -> dict[str, Any]:
        """Return what the page is told of the scene."""
        manifest = scene_manifest(
            self.scene,
            tiles_url="tiles/" if self._tiles is None else EMBEDDED_URL,
            live_url="live" if self._live is not None and self._tiles is None else None,
            language=self.language,
            theme=self.theme,
            time=self.time,
            overlays=self._overlays.specs,
            simulations=self.simulations.specs(),
            scenarios=self.simulations.listed(),
            attribution=self._attribution,
        )
        return {**manifest, "basemaps": self._basemaps, "results": self.simulations.offer_shared()}

    # other pages of the city -----------------------------------------------------------------------

    def _hear_scenarios(self, scenarios: Mapping[str, Scenario]) -> None:
        """Let the page know, in its own session, that somebody has edited scenarios."""
        self.in_session(lambda: self._tell_scenarios(scenarios))

    def _tell_scenarios(self, scenarios: Mapping[str, Scenario]) -> None:
        changed = self.simulations.replace_scenarios(scenarios)
        results = self.simulations.offer_shared()
        listed = self.simulations.listed()
        self._tell({"op": "scenarios", "scenarios": listed, "changed": changed, "results": results})

    def _hear_result(self, made: SharedResult, author: object) -> None:
        """Let the page know, in its own session, that a simulation has ended, here or on another page."""
        self.in_session(lambda: self._tell_results(None if author is self.simulations else int(made.card["id"])))

    def _tell_results(self, fresh: int | None) -> None:
        self._tell({"op": "results", "results": self.simulations.offer_shared(), "fresh": fresh})

    # messages --------------------------------------------------------------------------------------

    def _handle_msg(self, data: Any) -> None:
        """Take a message of the page."""
        self._document = pn.state.curdoc
        operation = data.get("op") if isinstance(data, dict) else None
        if operation == "ready":
            self._boot()
        elif operation == "ask":
            self._answer(data)
        elif operation == "event":
            self._on_event(str(data.get("name")), data.get("data"))

    def _boot(self) -> None:
        """Tell a page that has just connected everything it needs, so that a reload restores the scene."""
        self._tell({"op": "scene", "manifest": self.manifest()})
        for name, glb in self._surfaces.items():
            self._tell({"op": "field_surface", "name": name, "glb": glb})
        if self.overlay is not None:
            self._tell({"op": "overlay", "id": self._overlays.number(self.overlay)})
        if chosen := [uid for uid in self.selection if uid in self.scene]:
            self._tell({"op": "select", "handles": require_handles(self.scene, chosen), "fly": False})
        if self.camera:
            self._tell({"op": "camera", **self.camera})

    def _answer(self, question: Mapping[str, Any]) -> None:
        number, method = question.get("id"), str(question.get("method"))
        params = question.get("params") or {}
        # A page tells its state now and then; the question knows the language of this moment.
        language = str(question.get("language") or self.language)
        document = self._document

        def work() -> dict[str, Any]:
            try:
                return {"op": "answer", "id": number, "result": self.service.ask(method, params)}
            except CityTwinError as error:
                return {"op": "answer", "id": number, "error": {"message": error_in(error, language)}}
            except Exception:  # noqa: BLE001 - the page must hear of it, and the session must live on
                _log.exception("answering %s", method)
                message = said_in(f"{method}: the server made a mistake; see its log", language)
                return {"op": "answer", "id": number, "error": {"message": message}}

        if document is None or document.session_context is None:
            self._tell(work())
            return
        future = _POOL.submit(work)
        future.add_done_callback(lambda done: document.add_next_tick_callback(lambda: self._tell(done.result())))

    def _on_event(self, name: str, data: Any) -> None:
        if name == "pick":
            uid = None if data is None else self.simulations.objects.item(int(data["handle"])).uid
            self._quietly(picked=uid)
            for callback in self._pick_callbacks:
                callback(uid)
        elif name == "state" and isinstance(data, dict):
            selected = data.get("selection")
            objects = self.simulations.objects
            chosen = [objects.item(int(handle)).uid for handle in data.get("handles") or ()]
            self._quietly(
                language=data.get("language") or self.language,
                theme=data.get("theme") or self.theme,
                overlay=data.get("overlay"),
                time=data.get("time") or self.time,
                camera=data.get("camera"),
                selection=chosen or ([selected] if selected else []),
            )
        elif name == "error":
            _log.warning("page: %s", data.get("message") if isinstance(data, dict) else data)

    def _tell_change(self, *events: Any) -> None:
        if not self._from_page:
            for event in events:
                self._tell_one_change(event)

    def _tell_one_change(self, event: Any) -> None:
        if event.name in ("language", "theme"):
            self._tell({"op": event.name, "value": event.new})
        elif event.name == "time" and event.new:
            self._tell({"op": "time", "iso": event.new})
        elif event.name == "overlay":
            self._tell({"op": "overlay", "id": None if event.new is None else self._overlays.number(event.new)})
        elif event.name == "camera" and event.new:
            self._tell({"op": "camera", **event.new})
        elif event.name == "selection":
            handles = require_handles(self.scene, event.new)
            self._tell({"op": "select", "handles": handles, "fly": False})

    def _quietly(self, **values: Any) -> None:
        """Set parameters to what the page shows already."""
        self._from_page = True
        try:
            self.param.update(**values)
        finally:
            self._from_page = False

    def _tell(self, message: Mapping[str, Any]) -> None:
        self._send_msg(dict(message))

    def _tell_progress(self, told: Mapping[str, Any]) -> None:
        self._later("job", {**told, "message": said_in(str(told["message"]), self.language)})

    def _later(self, name: str, data: Mapping[str, Any]) -> None:
        """Send an event from another thread."""
        message = {"op": "event", "name": name, "data": dict(data)}
        document = self._document
        if document is None or document.session_context is None:
            self._tell(message)
        else:
            document.add_next_tick_callback(lambda: self._tell(message))
