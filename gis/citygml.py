"""The loader of CityGML 1, 2 and 3, PLATEAU among them, alone, packed, or as an archive of many files."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gis.gml_appearance import Appearances
from gis.gml_documents import Document, DocumentReader
from gis.gml_numbers import numbers_of
from gis.gml_pieces import PIECE_BYTES
from gis.gml_reader import DocumentFacts
from gis.gml_stream import members
from gis.modelframe import ModelFrame, crs_from_name
from gis.shelf import Shelf
from gis.sniffing import head_of, zip_names
from scenes.errors import GeoreferenceError, LoadError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from scenes.loading import Ground, LoadContext, Location
    from scenes.model import Batch, Layer
    from scenes.sources import Source

    Floats = NDArray[np.float64]

_ENDINGS = (".gml", ".citygml", ".xml")
_SAMPLE_OBJECTS = 60


class CityGmlLoader:
    """Reads CityGML 1 to 3: every module, in LoD 0 to 4, some megabytes at a time.

    Parameters
    ----------
    piece_bytes
        How much of a document becomes batches at once; large documents are read by several processes.
    """

    name = "citygml"
    guarded = True

    def __init__(self, piece_bytes: int = PIECE_BYTES) -> None:
        """Do nothing yet."""
        self._piece_bytes = piece_bytes

    def supports(self, source: Source) -> bool:
        """Say whether the file is CityGML, by its namespaces, or an archive with CityGML in it."""
        if source.suffix == ".zip":
            return _models_in(source) != []
        name = source.file.name.lower()
        if name.endswith((".gml.gz", ".citygml.gz")):
            return True
        return source.suffix in _ENDINGS and b"opengis.net/citygml" in head_of(source.file).lower()

    def locate(self, source: Source) -> Location | None:
        """Return the middle of the model, None when it is placed by hand or does not say."""
        if source.place is not None:
            return None
        for head in _heads(source):
            if (source.crs or head.crs) and len(head.points):
                return ModelFrame.of(source, head.crs, head.points).location(head.points)
        if not any(head.has_objects for head in _heads(source)):
            raise LoadError(source.path, "there is no city object in it", "export it again, with its objects")
        return None

    def surface(self, source: Source, context: LoadContext) -> Ground | None:  # noqa: ARG002
        """Return None: city models bring their own heights."""
        return None

    def load(self, source: Source, context: LoadContext) -> Iterator[tuple[Layer, Batch]]:
        """Yield the objects of the model, layer by layer and chunk by chunk.

        Raises
        ------
        SourceError, GeoreferenceError
            When the file is broken or lies nowhere.
        """
        shelf = Shelf.of(source.file)
        heads = _heads(source)
        empty = True
        for number, head in enumerate(heads):
            context.progress(f"reading {head.name}", number / len(heads))
            try:
                for pair in _document(source, shelf, head, context, self._piece_bytes):
                    empty = False
                    yield pair
            except (LoadError, GeoreferenceError) as error:
                if len(heads) == 1:
                    raise
                context.problems.add("error", head.name, "document-left-out", f"left out: {error.what}", error.advice)
        if empty:
            raise LoadError(source.path, "there is no city object in it", "export it again, with its objects")


def _document(
    source: Source, shelf: Shelf, head: _Head, context: LoadContext, piece_bytes: int
) -> Iterator[tuple[Layer, Batch]]:
    """Yield the batches of one document."""
    frame = ModelFrame.of(source, head.crs, head.points)
    frame.report(head.points, context)
    appearances = _appearances(shelf, head)
    document = Document(source, shelf, head.name, head.facts, appearances, frame, context)
    reader = DocumentReader(document, piece_bytes)
    yield from reader.batches()
    _report(reader.foreign, appearances, source, context)


def _appearances(shelf: Shelf, head: _Head) -> Appearances:
    """Return what the document says about colours and images outside of its objects."""
    found = Appearances()
    if head.has_common_appearance:
        with shelf.open(head.name) as file:
            for member in members(file, str(shelf.path), ("{*}appearanceMember", "{*}appearance")):
                found.read(member)
    return found


def _report(foreign: set[str], appearances: Appearances, source: Source, context: LoadContext) -> None:
    if foreign:
        names = ", ".join(sorted(foreign))[:300]
        what = f"it uses extensions ({names}): their values are kept as properties"
        context.problems.add("info", source.path, "extension-kept", what)
    if appearances.georeferenced:
        what = f"{appearances.georeferenced} georeferenced textures are not shown"
        context.problems.add(
            "info", source.path, "texture-georeferenced", what, "drape the image as a layer of its own"
        )


@dataclass(frozen=True, slots=True)
class _Head:
    """What a document says before it is read: its system, some of its points, and what is in it."""

    name: str
    crs: str
    points: Floats
    facts: DocumentFacts
    has_common_appearance: bool
    has_objects: bool = True


def _heads(source: Source) -> list[_Head]:
    stat = source.file.stat()
    return _known_heads(source, (stat.st_mtime_ns, stat.st_size))


@functools.lru_cache(maxsize=4)
def _known_heads(source: Source, _stamp: tuple[int, int]) -> list[_Head]:
    shelf = Shelf.of(source.file)
    names = _models_in(source) if shelf.is_zip else shelf.documents(_ENDINGS)
    found: list[_Head] = []
    for name in names:
        try:
            found.append(_head(shelf, name, source))
        except LoadError:
            if len(names) == 1:
                raise
            words = _words(shelf, name)
            found.append(_Head(name, "", np.zeros((0, 3)), _facts(words), has_common_appearance=False))
    return found


def _head(shelf: Shelf, name: str, source: Source) -> _Head:
    """Return the head of a document: its first objects say where it lies."""
    words = _words(shelf, name)
    texts: list[str] = []
    crs = ""
    count = 0
    with shelf.open(name) as file:
        for element in members(file, source.path, _HEAD_TAGS):
            crs = crs or _crs_in(element)
            if element.tag.endswith("}Envelope"):
                continue
            count += len(element)
            texts += [each.text for each in element.iter("{*}posList", "{*}pos", "{*}coordinates") if each.text][:400]
            if count >= _SAMPLE_OBJECTS and texts:
                break
    points = _sample_points(texts, source)
    return _Head(name, crs, points, _facts(words), b"appearanceMember" in words, has_objects=count > 0)


_HEAD_TAGS = ("{http://www.opengis.net/gml}Envelope", "{http://www.opengis.net/gml/3.2}Envelope",
              "{*}cityObjectMember", "{*}featureMember", "{*}featureMembers")  # fmt: skip


def _crs_in(element: Any) -> str:
    for each in element.iter("*"):
        name = each.get("srsName")
        if name and (found := crs_from_name(name)):
            return found
    return ""


def _sample_points(texts: list[str], source: Source) -> Floats:
    numbers, counts = numbers_of(texts)
    if not len(numbers):
        return np.zeros((0, 3))
    width = 3 if (counts % 3 == 0).mean() >= 0.5 else 2
    parts = np.repeat(counts % width == 0, counts)
    points = numbers[parts].reshape(-1, width)[:, :3]
    points = points if width == 3 else np.column_stack([points, np.zeros(len(points))])
    good = np.isfinite(points).all(axis=1) & (np.abs(points) < 1e9).all(axis=1)
    if not good.any():
        raise LoadError(source.path, "its coordinates are not numbers", "export it again")
    usable: Floats = points[good]
    return usable


def _models_in(source: Source) -> list[str]:
    """Return the CityGML documents in an archive, by a look at their heads."""
    names = [name for name in zip_names(source.file) if name.lower().endswith((".gml", ".citygml"))]
    if not names:
        return []
    shelf = Shelf.of(source.file)
    found = []
    for name in shelf.documents((".gml", ".citygml")):
        try:
            with shelf.open(name) as file:
                if b"opengis.net/citygml" in file.read(65_536).lower():
                    found.append(name)
        except (LoadError, OSError, ValueError):
            continue
    return found


_WORDS = (b"ppearance", b"appearanceMember", b"CityObjectRelation")
_PIECE = 8 << 20


def _words(shelf: Shelf, name: str) -> frozenset[bytes]:
    """Return which of some words are in a document; all of them for one that is packed or in two bytes a letter."""
    if shelf.is_zip or name.lower().endswith(".gz"):
        return frozenset(_WORDS)
    found: set[bytes] = set()
    with (shelf.root / name).open("rb") as file:
        rest = b""
        while data := file.read(_PIECE):
            if not rest and data[:2] in {b"\xff\xfe", b"\xfe\xff"}:
                return frozenset(_WORDS)
            text = rest + data
            found |= {word for word in _WORDS if word not in found and word in text}
            rest = text[-32:]
    return frozenset(found)


def _facts(words: frozenset[bytes]) -> DocumentFacts:
    return DocumentFacts(b"ppearance" in words, b"CityObjectRelation" in words)
