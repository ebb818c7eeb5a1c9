"""One CityGML document from its bytes to batches: page by page, in several lanes where it is large and plain."""

from __future__ import annotations

import functools
import gc
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from gis.cityobjects import ModelNotes, batches_of
from gis.codelists import CodeLists
from gis.collecting import paused
from gis.gml_attributes import AttributeReader
from gis.gml_chunks import ChunkWriter
from gis.gml_columns import elements_of
from gis.gml_implicit import ImplicitReader
from gis.gml_links import FarElements
from gis.gml_pieces import PIECE_BYTES, count_members, plain_pieces, written_pages
from gis.gml_reader import PageReader
from gis.gml_tags import NotPlainError
from gis.lanes import LaneError, in_lanes, lane_count
from gis.placements import Placements
from scenes.errors import LoadError
from scenes.georeference import parse_crs
from scenes.problems import Problem, Problems

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np
    from numpy.typing import NDArray

    from gis.gml_appearance import Appearances
    from gis.gml_columns import Elements
    from gis.gml_pieces import Opening
    from gis.gml_reader import DocumentFacts
    from gis.modelframe import ModelFrame
    from gis.shelf import Shelf
    from scenes.loading import LoadContext
    from scenes.model import Batch, Layer
    from scenes.sources import Source

    Floats = NDArray[np.float64]
    Pairs = list[tuple[Layer, Batch]]

_EVERYTHING = 1 << 30


@dataclass(frozen=True, slots=True)
class Document:
    """What is read, and what is known of it.

    Parameters
    ----------
    source, shelf, name
        The source, where the document lies, and its name there.
    facts, appearances
        What it uses, and the colours and images that it gives outside of its objects.
    frame, context
        The way to local metres, the ground, the problems.
    """

    source: Source
    shelf: Shelf
    name: str
    facts: DocumentFacts
    appearances: Appearances
    frame: ModelFrame
    context: LoadContext


@dataclass(frozen=True, slots=True)
class _Page:
    """What a lane found on a page: batches, members, ids, units, namespaces of extensions, problems."""

    pairs: Pairs
    members: int
    keys: dict[str, int]
    units: dict[str, str]
    foreign: set[str]
    problems: list[Problem]


class _Tools:
    """Everything that turns pages of a document into batches."""

    def __init__(self, document: Document, problems: Problems) -> None:
        context = replace(document.context, problems=problems)
        self.attributes = AttributeReader(CodeLists(document.shelf, document.name, problems))
        far = FarElements(document.shelf, document.name, problems)
        metric = not document.frame.crs or parse_crs(document.frame.crs).is_projected
        implicit = ImplicitReader(Placements(functools.partial(_to_local, document), metric), far, problems)
        self.reader = PageReader(document.facts, self.attributes, far, implicit, document.appearances, problems)
        self._writer = ChunkWriter(document.shelf, document.name, document.frame, context, implicit)
        self._source, self._context = document.source, context

    def batches(self, page: Elements, number: int) -> Iterator[tuple[Layer, Batch]]:
        """Yield the batches of a page; its number tells objects without an id apart."""
        chunk = self.reader.read(page, number)
        if not chunk.objects:
            return
        owners = self.reader.surface_owners
        for each in chunk.objects:
            each.relations = [(kind, owners.get(target, target), role) for kind, target, role in each.relations]
        notes = ModelNotes("gml:id", self.attributes.units)
        yield from batches_of(chunk.objects, self._writer.surfaces(chunk), notes, self._source, self._context)


@dataclass
class DocumentReader:
    """Reads one document.

    Parameters
    ----------
    document
        What is read.
    piece_bytes
        How much of it becomes batches at once.
    """

    document: Document
    piece_bytes: int = PIECE_BYTES
    foreign: set[str] = field(default_factory=set)
    _pages: int = 0
    _members: int = 0
    _is_done: bool = False

    def batches(self) -> Iterator[tuple[Layer, Batch]]:
        """Yield the batches of the document.

        Raises
        ------
        LoadError
            When it is not well-formed.
        """
        tools = _Tools(self.document, self.document.context.problems)
        lanes = self._lanes()
        if lanes > 1:
            yield from self._shared_out(tools, lanes)
        if not self._is_done:
            yield from self._alone(tools)
        self.foreign |= tools.attributes.foreign

    def _lanes(self) -> int:
        """Return how many lanes the document is worth."""
        document = self.document
        if not document.shelf.is_as_stored(document.name) or document.facts.has_relations:
            return 1
        return min(lane_count(), 1 + document.shelf.size(document.name) // self.piece_bytes)

    def _pieces(self) -> Iterator[tuple[int, Elements]]:
        """Yield the number and the elements of each piece from where reading stands."""
        done = self._pages
        for number, piece, opening in self._plain(lambda number: number >= done):
            yield number, elements_of(piece, opening.space)

    def _plain(self, wanted: Callable[[int], bool]) -> Iterator[tuple[int, bytes, Opening]]:
        return plain_pieces(self.document.shelf, self.document.name, self.piece_bytes, wanted)

    def _alone(self, tools: _Tools) -> Iterator[tuple[Layer, Batch]]:
        """Read the rest of the document here; what is not plain is first written plainly."""
        try:
            for number, page in self._pieces():
                with paused():
                    found = list(tools.batches(page, number))
                yield from found
                self._pages, self._members = self._pages + 1, self._members + count_members(page)
        except NotPlainError:
            pages = written_pages(self.document.shelf, self.document.name, self._members, self.piece_bytes)
            for number, page in enumerate(pages, self._pages):
                try:
                    yield from tools.batches(page, number)
                except NotPlainError as error:
                    what = f"it is not well-formed XML ({error})"
                    raise LoadError(self.document.source.path, what, "export or download it again") from error

    def _shared_out(self, tools: _Tools, lanes: int) -> Iterator[tuple[Layer, Batch]]:
        """Read the pages in lanes, until one is not plain, or repeats what an earlier one says in another way."""
        told: dict[Problem, int] = {}
        try:
            with closing(in_lanes(self._lane, lanes)) as found:
                for number, page in enumerate(found):
                    if page is None or _contradicts(page, tools):
                        return
                    tools.reader.keys |= page.keys
                    tools.attributes.units.update(page.units)
                    self.foreign |= page.foreign
                    lane = number % lanes
                    fresh = [each for each in page.problems if told.setdefault(each, lane) == lane]
                    self.document.context.problems.extend(fresh)
                    self._pages, self._members = self._pages + 1, self._members + page.members
                    yield from page.pairs
        except LaneError as error:
            raise LoadError(self.document.source.path, str(error), "split it, or repair it") from error
        self._is_done = True

    def _lane(self, lane: int, lanes: int) -> Iterator[_Page | None]:
        """Yield what every so-manieth page has, None where it is not plain."""
        gc.disable()  # a lane lives for one document
        problems = Problems(_EVERYTHING)
        tools = _Tools(self.document, problems)
        try:
            for number, piece, opening in self._plain(lambda number: number % lanes == lane):
                page = elements_of(piece, opening.space)
                tools.reader.keys, tools.attributes.foreign = {}, set()
                before = problems.kept
                pairs = list(tools.batches(page, number))
                members, fresh = count_members(page), problems.listed()[before:]
                yield _Page(pairs, members, tools.reader.keys, tools.attributes.units, tools.attributes.foreign, fresh)
        except NotPlainError:
            yield None


def _contradicts(page: _Page, tools: _Tools) -> bool:
    """Say whether a page repeats an id, or has another unit for an attribute, so that it must be read in order."""
    units = tools.attributes.units
    return not page.keys.keys().isdisjoint(tools.reader.keys) or any(
        units.get(name, unit) != unit for name, unit in page.units.items()
    )


def _to_local(document: Document, points: Floats) -> Any:
    return document.frame.to_local(points, document.context.georeference)
