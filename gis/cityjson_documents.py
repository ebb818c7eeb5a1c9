"""The documents of a CityJSON file or sequence: bytes become objects and vertices, and bad lines are told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from gis.collecting import paused
from gis.shelf import Shelf, lines_of
from scenes.errors import LoadError, MissingLibraryError, UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from scenes.problems import Problems
    from scenes.sources import Source

    Floats = NDArray[np.float64]

MODELS = (".city.json", ".city.jsonl", ".json", ".jsonl")
_VERSIONS = ("1.0", "1.1", "2.0")
_SHARED = ("appearance", "geometry-templates", "metadata")
_MOST_BYTES = 4 << 30
_FARTHEST = 1e9


@dataclass(frozen=True, slots=True)
class Document:
    """Objects that share a list of vertices.

    Parameters
    ----------
    objects
        Key to object.
    vertices
        (n, 3) coordinates in the system of the file.
    body
        The whole document, with what its header shares.
    name
        Name of the file on the shelf, for the images beside it.
    """

    objects: dict[str, Any]
    vertices: Floats
    body: dict[str, Any]
    name: str


@dataclass(frozen=True)
class Reading:
    """A file that is being read.

    Parameters
    ----------
    source
        The file.
    problems
        Collects broken lines, None = nobody wants to know.
    """

    source: Source
    problems: Problems | None = None
    shelf: Shelf = field(init=False)

    def __post_init__(self) -> None:
        """Find the shelf."""
        object.__setattr__(self, "shelf", Shelf.of(self.source.file))

    @property
    def is_sequence(self) -> bool:
        """Whether each line is a document."""
        return self._name().lower().removesuffix(".gz").endswith(".jsonl")

    def documents(self) -> Iterator[Document]:
        """Yield the documents: one of a file, one a line of a sequence.

        Raises
        ------
        SourceError
            When nothing in it is CityJSON.
        """
        name = self._name()
        if self.is_sequence:
            yield from self._lines(name)
            return
        body = self._json(self.shelf.read(name, _MOST_BYTES))
        self._check(body)
        yield self._document(body, body, name)

    def _name(self) -> str:
        """Return the largest model on the shelf."""
        names = self.shelf.documents(MODELS)
        if not names:
            raise LoadError(self.source.path, "there is no CityJSON in it", "check the archive")
        if not self.shelf.is_zip:
            return names[0]
        return max(names, key=self.shelf.size)

    def _lines(self, name: str) -> Iterator[Document]:
        header: dict[str, Any] = {}
        good = 0
        with self.shelf.open(name) as file:
            for number, line in enumerate(lines_of(file), start=1):
                if not line:
                    continue
                try:
                    body = self._json(line)
                    if not header:
                        self._check(body)
                        header = body
                        if not body.get("CityObjects"):
                            continue
                    yield self._document(body, header, name)
                    good += 1
                except LoadError as error:
                    if not header:
                        raise
                    self._report(number, error)
        if not header:
            raise LoadError(self.source.path, "the file is empty", "export it again")
        if not good:
            raise LoadError(self.source.path, "none of its lines can be read", "export it again")

    def _report(self, number: int, error: LoadError) -> None:
        if self.problems is not None:
            self.problems.add("error", self.source.path, "line-broken", f"line {number} is left out: {error.what}",
                              error.advice, f"line {number}")  # fmt: skip

    def _check(self, header: dict[str, Any]) -> None:
        if header.get("type") != "CityJSON":
            what = "it does not say that it is CityJSON (its type is missing)"
            raise LoadError(self.source.path, what, "export it again")
        version = str(header.get("version", ""))
        if not version.startswith(_VERSIONS):
            what = f"CityJSON {version or 'without version'} is not supported"
            raise UnsupportedError(self.source.path, what, "use 1.0 to 2.0")

    def _document(self, body: dict[str, Any], header: dict[str, Any], name: str) -> Document:
        objects = body.get("CityObjects")
        if not isinstance(objects, dict) or not all(isinstance(item, dict) for item in objects.values()):
            raise LoadError(self.source.path, "it has no CityObjects", "export it again")
        root = body.get("id")
        if body.get("type") == "CityJSONFeature" and root not in objects:
            raise LoadError(self.source.path, f"a feature names {root}, which it does not contain", "export it again")
        vertices = self._vertices(body, header)
        shared: dict[str, Any] = {key: header[key] for key in _SHARED if key in header}
        return Document(objects, vertices, {**shared, **body}, name)

    def _vertices(self, body: dict[str, Any], header: dict[str, Any]) -> Floats:
        try:
            vertices = np.array(body.get("vertices") or [], np.float64).reshape(-1, 3)
            transform = header.get("transform")
            if transform:
                vertices = vertices * np.array(transform["scale"], float) + np.array(transform["translate"], float)
        except (ValueError, TypeError, KeyError, OverflowError) as error:
            raise LoadError(
                self.source.path, "its vertices or its transform are not numbers", "export it again"
            ) from error
        if not np.isfinite(vertices).all() or np.abs(vertices).max(initial=0.0) > _FARTHEST:
            raise LoadError(self.source.path, "its vertices lie beyond the Earth", "check the scale and the export")
        return vertices

    def _json(self, text: bytes) -> dict[str, Any]:
        try:
            import orjson  # noqa: PLC0415
        except ImportError as error:
            raise MissingLibraryError("gis.cityjson", "orjson is not installed", "pip install citytwin[gis]") from error
        try:
            with paused():
                body = orjson.loads(text.removeprefix(b"\xef\xbb\xbf"))
        except orjson.JSONDecodeError as error:
            raise LoadError(
                self.source.path, f"it is not valid JSON ({error})", "export or download it again"
            ) from error
        if not isinstance(body, dict):
            raise LoadError(self.source.path, "it is JSON, but not an object", "export it as CityJSON")
        return body
