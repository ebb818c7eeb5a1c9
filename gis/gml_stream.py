"""CityGML as a stream of members: one object at a time is in memory, and nothing outside the file is read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from scenes.errors import CityTwinError, LoadError, MissingLibraryError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import IO

_MEMBERS = ("{*}cityObjectMember", "{*}featureMember", "{*}featureMembers", "{*}member")


def members(file: IO[bytes], path: str, tags: Sequence[str] = _MEMBERS) -> Iterator[Any]:
    """Yield the elements of a document that have one of some names; each is gone when the next one comes.

    Entities are not resolved, no DTD is loaded, and text nodes above 10 MB and nesting beyond 256 levels are refused.

    Raises
    ------
    LoadError
        When it is not well-formed.
    """
    etree = library()
    options = {"resolve_entities": False, "no_network": True, "load_dtd": False, "huge_tree": False}
    try:
        context = etree.iterparse(file, events=("end",), tag=tags, remove_comments=True, remove_pis=True, **options)
        has_dtd: bool | None = None  # it stands before the root
        for _, element in context:
            if has_dtd is None:
                has_dtd = element.getroottree().docinfo.internalDTD is not None
            if has_dtd:
                etree.strip_elements(element, etree.Entity, with_tail=False)
            yield element
            _forget(element)
    except CityTwinError:
        raise
    except (etree.LxmlError, OSError, EOFError, ValueError) as error:
        reason = re.sub(r"\s+", " ", str(error))[:160]
        raise LoadError(path, f"it is not well-formed XML ({reason})", "export or download it again") from error


def library() -> Any:
    """Return lxml.etree.

    Raises
    ------
    MissingLibraryError
        When it is not installed.
    """
    try:
        from lxml import etree  # noqa: PLC0415
    except ImportError as error:
        raise MissingLibraryError("gis.citygml", "lxml is not installed", "pip install citytwin[gis]") from error
    return etree


def parsed(data: bytes, path: str) -> Any:
    """Return the root element of a small document, as carefully as `members`.

    Raises
    ------
    LoadError
        When it is not well-formed.
    """
    etree = library()
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(data, parser)
    except (etree.LxmlError, ValueError) as error:
        reason = re.sub(r"\s+", " ", str(error))[:160]
        raise LoadError(path, f"it is not well-formed XML ({reason})", "export or download it again") from error
    etree.strip_elements(root, etree.Entity, with_tail=False)
    return root


def _forget(element: Any) -> None:
    """Drop what lies before an element that was read; itself goes when the next one was."""
    above = element.getparent()
    while above is not None and element.getprevious() is not None:
        del above[0]
