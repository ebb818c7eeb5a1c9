"""Files of tiles are named by what is in them: the same name, the same bytes, in every version of a city."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from scenes.store.swap import link_file

if TYPE_CHECKING:
    from pathlib import Path


def store_tile(cell: str, glb: bytes, folder: Path, former: Path | None = None) -> str:
    """Write the file of a tile into a folder and return its name: that of its cell, and the hash of its bytes.

    Parameters
    ----------
    cell, glb
        Name of the cell, without dots, and the content of the file.
    folder
        Gets the file.
    former
        Folder with the tiles of another version; a file that is there is linked.
    """
    name = f"{cell}.{hashlib.blake2b(glb, digest_size=8).hexdigest()}.glb"
    if former is not None and (former / name).is_file():
        link_file(former / name, folder / name)
    else:
        (folder / name).write_bytes(glb)
    return name
