"""What a source is: a file, folder, table or service to load, and what the user said about it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from scenes.errors import GeoreferenceError

if TYPE_CHECKING:
    from collections.abc import Sequence

_ADDRESS = re.compile(r"^[a-z][a-z0-9+.-]+://", re.IGNORECASE)
_SECRET = re.compile(r"(://[^:/@\s]*):[^@/\s]*@")
_KEY = re.compile(r"([?&](?:tk|key|token|apikey|api_key|access_token|ak)=)[^&#]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the origin of a model file lies: projected metres, height, and its turn anticlockwise from east."""

    easting_m: float
    northing_m: float
    height_m: float = 0.0
    angle_deg: float = 0.0

    @classmethod
    def parse(cls, text: str) -> Placement:
        """Return the placement written as ``E,N,H,ANGLE``; H and ANGLE may be left out.

        Examples
        --------
        >>> Placement.parse("354000,3457000,4,30").angle_deg
        30.0
        """
        try:
            numbers = [float(part) for part in text.split(",")]
        except ValueError as error:
            raise GeoreferenceError(text, "is not a placement", "write E,N,H,ANGLE in metres and degrees") from error
        if not 2 <= len(numbers) <= 4 or not np.isfinite(numbers).all():
            raise GeoreferenceError(text, "is not a placement", "write E,N,H,ANGLE in metres and degrees")
        return cls(*numbers)


@dataclass(frozen=True, slots=True)
class Source:
    """A file, folder, table or service to load, and what the user said about it.

    Parameters
    ----------
    path
        Path of a file or folder, or an address such as ``postgresql://host/city#buildings``.
    layer
        Wanted layer name; empty = the loader names it.
    dataset
        Namespace of the uids; empty = the file's name, so that the same file gives the same uids anywhere.
    crs
        Overrides the coordinate system of the file.
    height_column
        Attribute with the height of buildings in metres.
    place
        Explicit placement of a model file.
    datum_shift
        ``"gcj02"`` or ``"bd09"`` when the coordinates carry that shift whatever the file says.
    schema
        Read a model as if its header named this schema (``twin build --as IFC4X3_ADD2``).
    max_error_m
        How coarse a tileset may be read; 0 = its finest tiles.

    Examples
    --------
    >>> Source("postgresql://planner:secret@db.example/city#public.buildings").shown
    'postgresql://planner:***@db.example/city#public.buildings'
    """

    path: str
    layer: str = ""
    dataset: str = ""
    crs: str = ""
    height_column: str = ""
    place: Placement | None = None
    datum_shift: str = ""
    schema: str = ""
    max_error_m: float = 0.0

    def __post_init__(self) -> None:
        """Refuse two statements about one place."""
        if self.place is not None and self.datum_shift:
            raise GeoreferenceError(
                self.shown,
                f"is placed by hand and said to be in {self.datum_shift}, where only one of the two can hold",
                f"leave out --place or --{self.datum_shift}",
            )

    @property
    def is_remote(self) -> bool:
        """Whether the path is the address of a service or database."""
        return bool(_ADDRESS.match(self.path))

    @property
    def file(self) -> Path:
        """The path as an object."""
        return Path(self.path)

    @property
    def title(self) -> str:
        """What the source is called: the file's name, or the address without its password."""
        return self.shown if self.is_remote else self.file.name

    @property
    def shown(self) -> str:
        """The path as it may be printed and stored: an address without its password or key."""
        return _KEY.sub(r"\1***", _SECRET.sub(r"\1:***@", self.path))

    @property
    def suffix(self) -> str:
        """Last extension in lower case, with its dot; empty for an address."""
        return "" if self.is_remote else self.file.suffix.lower()

    @property
    def namespace(self) -> str:
        """The dataset of the uids."""
        return self.dataset or self.title


def told_apart(sources: Sequence[Source]) -> list[Source]:
    """Return the sources with datasets of their own: files of one name in several folders get the folder's name too.

    Examples
    --------
    >>> [source.namespace for source in told_apart([Source("a/roads.shp"), Source("b/roads.shp"), Source("c.shp")])]
    ['a/roads.shp', 'b/roads.shp', 'c.shp']
    """
    names = [source.namespace for source in sources]
    return [
        replace(source, dataset="/".join(source.file.parts[-2:]))
        if names.count(name) > 1 and not source.dataset and not source.is_remote
        else source
        for source, name in zip(sources, names, strict=True)
    ]
