"""A source as the plain files that it stands for: several models in one zip, or one read as another schema."""

from __future__ import annotations

import contextlib
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from bim.disguise import disguised
from bim.files import check_text, edition_of, member_names, plain_file, unpack_member
from bim.pictures import Home
from scenes.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from scenes.errors import CityTwinError
    from scenes.sources import Source


@dataclass(frozen=True, slots=True)
class Member:
    """One model of a source.

    Parameters
    ----------
    source
        The model as a source of its own: a file that can be read, with the dataset and layer that it shall have.
    shown
        How messages name it.
    schema
        The schema that it is read as where that is not the one it names, empty = its own.
    home
        Where it came from, and so what lies beside it.
    """

    source: Source
    shown: str
    home: Home
    schema: str = ""

    def named(self, error: CityTwinError) -> CityTwinError:
        """Return an error about this model's file under the name that the user knows."""
        if not isinstance(error, SourceError):
            return error
        advice = f"the content may not fit {self.schema}: {error.advice}" if self.schema else error.advice
        return type(error)(self.shown, error.what, advice)


@contextlib.contextmanager
def members(source: Source) -> Iterator[list[Member]]:
    """Give the models of a source; unpacked copies are removed afterwards.

    Raises
    ------
    SourceError
        When the source is missing, a broken zip, or to be read as a schema that is not known.
    """
    names = member_names(source.file)
    if len(names) < 2 and not source.schema:
        edition = edition_of(source.file)
        if not edition:
            yield [Member(source, source.path, _home(source, names))]
            return
        source = replace(source, schema=edition)
    with tempfile.TemporaryDirectory(prefix="citytwin-ifc-") as folder:
        if len(names) < 2:
            yield [_alone(source, _home(source, names), Path(folder))]
        else:
            yield [_packed(source, names, number, Path(folder)) for number in range(len(names))]


def _alone(source: Source, home: Home, folder: Path) -> Member:
    copy = folder / f"{source.file.stem}.ifc"
    with plain_file(source.file, any_schema=True) as plain:
        disguised(plain, copy, source.schema.upper(), source.file)
    own = replace(source, path=str(copy), dataset=source.namespace, schema="")
    return Member(own, source.path, home, source.schema.upper())


def _packed(source: Source, names: Sequence[str], number: int, folder: Path) -> Member:
    """Return one model of a zip; broken ones say so when they are read."""
    name = names[number]
    inside = PurePosixPath(name)
    place = folder / str(number)
    place.mkdir()
    copy = place / inside.name.replace("\\", "_")
    unpack_member(source.file, name, copy)
    schema = source.schema or edition_of(copy)
    if schema:
        check_text(copy, source.file, any_schema=True)
        plain = copy.rename(copy.with_suffix(".plain"))
        disguised(plain, copy, schema.upper(), source.file)
        plain.unlink()
    stems = [PurePosixPath(each).stem for each in names]
    apart = f"{inside.parent.name} {inside.stem}" if stems.count(inside.stem) > 1 else inside.stem
    layer = f"{source.layer} {apart}" if source.layer else apart
    own = replace(source, path=str(copy), dataset=f"{source.namespace}/{name}", layer=layer, schema="")
    return Member(own, f"{source.path}/{name}", _home(source, [name]), schema.upper())


def _home(source: Source, names: Sequence[str]) -> Home:
    """Return where the one model of a source lies."""
    return Home(source.file, names[0] if names else "")
