"""Which file a reference in another file means: one beside it, and never one outside its folder or archive."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_ADDRESS = re.compile(r"^[a-zA-Z][a-zA-Z0-9+.-]*:|^/")


def name_beside(name: str, reference: str) -> str | None:
    r"""Return the name that a reference in a file has in the same folder or archive, None if it leads elsewhere.

    Addresses (``http:``, ``file:``), absolute paths and ways out of the folder are never followed.

    Examples
    --------
    >>> name_beside("models/city.gml", "images\\brick.png"), name_beside("city.gml", "../secret.xml")
    ('models/images/brick.png', None)
    >>> name_beside("city.gml", "http://example.org/a.xml"), name_beside("city.gml", "C:/a.xml")
    (None, None)
    """
    reference = reference.strip().replace("\\", "/")
    if not reference or _ADDRESS.match(reference) or "\0" in reference:
        return None
    wanted = posixpath.normpath(posixpath.join(posixpath.dirname(name), reference))
    return None if wanted.startswith("..") else wanted


def is_file_inside(root: Path, name: str) -> bool:
    """Say whether a name is that of a file in a folder, links followed."""
    try:
        real = (root / name).resolve(strict=True)
        return real.is_relative_to(root.resolve()) and real.is_file()
    except (OSError, ValueError):
        return False
