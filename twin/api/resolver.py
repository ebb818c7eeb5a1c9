"""``/id/...``: from any identifier to its object, for people, programs and link sets (RFC 9264)."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote

from tornado.web import HTTPError

from twin.api.context import CityHandler

if TYPE_CHECKING:
    from scenes import CityObject, Scene

LINKSET = "application/linkset+json"
REL_TILES = "urn:citytwin:rel:tileset"
REL_STREAMS = "urn:citytwin:rel:datastreams"

_NAME = re.compile(r"urn:[a-zA-Z0-9][\w-]{0,31}:\S+|[a-zA-Z][\w.+-]*:\S.*|\d{21}", re.DOTALL)
_LONGEST = 500


class ResolverHandler(CityHandler):
    """Resolves ``uid``, ``scheme:value`` or a 21-digit code."""

    SUPPORTED_METHODS: ClassVar[tuple[str, ...]] = ("GET", "HEAD")  # type: ignore[misc]

    def get(self, name: str) -> None:
        """Answer with the object; ``?linkType=linkset`` or ``Accept: application/linkset+json`` with its links.

        400 when the identifier is none, 404 when nothing has it, 300 when several objects have the alias.
        """
        self._answer(name)

    def head(self, name: str) -> None:
        """Answer as GET does, without the body."""
        self._answer(name)

    def _answer(self, name: str) -> None:
        if len(name) > _LONGEST or not name.isprintable() or not _NAME.fullmatch(name):
            raise HTTPError(400, "write a uid (urn:...), scheme:value or a code of 21 digits")
        found = self.context.scene.resolve_all(name)
        if not found:
            raise HTTPError(404, f"no object has the identifier {name}")
        self.set_header("Content-Type", "application/json; charset=utf-8")
        if len(found) > 1:
            self.set_status(300)
            self.finish(json.dumps({"identifier": name, "choices": [address_of(each.uid) for each in found]}))
            return
        self.set_header("Link", f'<{address_of(found[0].uid)}?linkType=linkset>; rel="linkset"; type="{LINKSET}"')
        self.set_header("Vary", "Accept")
        if self._wants_links():
            self.set_header("Content-Type", LINKSET)
            self.finish(json.dumps(self._links(found[0]), ensure_ascii=False))
        else:
            self.finish(json.dumps(self._facts(found[0]), ensure_ascii=False, default=str))

    def _wants_links(self) -> bool:
        asked = self.get_query_argument("linkType", "")
        return asked in {"linkset", "all"} or LINKSET in self.request.headers.get("Accept", "")

    def _facts(self, found: CityObject) -> dict[str, Any]:
        hub = self.context.hub
        return {
            "uid": found.uid,
            "handle": found.handle,
            "epoch": self.context.scene.epoch,
            "layer": found.layer,
            "kind": found.kind,
            "name": found.name,
            "parent": found.parent,
            "bounds": found.bounds,
            "position": _position(self.context.scene, found),
            "attributes": dict(found.attributes),
            "units": dict(found.units),
            "aliases": found.aliases,
            "datastreams": [] if hub is None else hub.streams_of(found.handle),
        }

    def _links(self, found: CityObject) -> dict[str, Any]:
        site = f"{self.request.protocol}://{self.request.host}"
        here = site + address_of(found.uid)
        links: dict[str, Any] = {
            "anchor": here,
            "describedby": [{"href": here, "type": "application/json"}],
            REL_TILES: [{"href": f"{site}/tiles/{found.layer}/tileset.json", "type": "application/json"}],
        }
        if found.parent:
            links["up"] = [{"href": site + address_of(found.parent)}]
        children = self.context.scene.children(found.uid)
        if children:
            links["item"] = [
                {"href": site + address_of(each.uid), "title": each.name or each.kind} for each in children
            ]
        if self.context.hub is not None and len(self.context.hub.datastreams.of_object(found.handle)):
            links[REL_STREAMS] = [{"href": here, "type": "application/json"}]
        return {"linkset": [links]}


def address_of(uid: str) -> str:
    """Return the address of an object on this server.

    Examples
    --------
    >>> address_of("urn:uuid:1")
    '/id/urn:uuid:1'
    """
    return "/id/" + quote(uid, safe=":")


def _position(scene: Scene, found: CityObject) -> dict[str, float] | None:
    box = found.bounds
    if box is None:
        return None
    longitude, latitude = scene.georeference.lonlat((box[0] + box[3]) / 2, (box[1] + box[4]) / 2)
    return {
        "longitude": float(longitude),
        "latitude": float(latitude),
        "height_m": box[5] + scene.georeference.height_m,
    }
