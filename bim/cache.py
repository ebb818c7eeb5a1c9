"""What workers made of a file is kept by the content of the file, so that a second import does not need them.

The folder is ``CITYTWIN_CACHE`` (``off`` keeps nothing), else ``citytwin`` in the user's cache. An entry is a folder
that is renamed into place when it is whole; its manifest has the size and hash of every file, and what does not fit
is thrown away. When all entries together grow too large, those that were used longest ago go first.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import shutil
import tempfile
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bim.supervisor import Extract

if TYPE_CHECKING:
    from collections.abc import Iterator

_MANIFEST = "manifest.json"
_MOST_BYTES = 2 << 30
_LARGEST_SHARE = 4
_BLOCK = 1 << 20


def default_folder() -> Path | None:
    """Return where entries are kept, None when the user wants none."""
    own = os.environ.get("CITYTWIN_CACHE", "")
    if own.strip().lower() == "off":
        return None
    base = Path(own) if own else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "citytwin"
    return base / "bim"


def key_of(path: Path, variant: str = "") -> str:
    """Return the name of the entry of a file: its content, what is made of it, and all else that this depends on.

    Limits are no part of it, since only results that no limit has cut short are kept.
    """
    digest = hashlib.blake2b(digest_size=20)
    digest.update(f"{_code()} {variant}".encode())
    _update(digest, path)
    return digest.hexdigest()


@functools.cache
def _code() -> str:
    """Return a hash of what reads the files: this package, and the version of the IFC library."""
    digest = hashlib.blake2b(digest_size=20)
    try:
        digest.update(version("ifcopenshell").encode())
    except PackageNotFoundError:
        digest.update(b"none")
    for file in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Cache:
    """Entries in one folder.

    Parameters
    ----------
    folder
        Where they are kept; None keeps none.
    most_bytes
        What all entries together may take.
    """

    folder: Path | None
    most_bytes: int = _MOST_BYTES

    def find(self, key: str) -> Extract | None:
        """Return an entry, None if there is none that is whole."""
        if self.folder is None:
            return None
        entry = self.folder / key
        try:
            found = json.loads((entry / _MANIFEST).read_text(encoding="utf-8"))
            if all(_told(entry / name) == told for name, told in found["files"].items()):
                os.utime(entry / _MANIFEST)
                problems = [tuple(problem) for problem in found["problems"]]
                chunks = [entry / name for name in found["chunks"]]
                return Extract(entry, chunks, set(found["shapeless"]), problems=problems)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            pass  # not there, or damaged: made again
        shutil.rmtree(entry, ignore_errors=True)
        return None

    def note(self, key: str) -> dict[str, Any] | None:
        """Return a note, None if there is none that can be read."""
        if self.folder is None:
            return None
        try:
            note: dict[str, Any] = json.loads((self.folder / key / _MANIFEST).read_text(encoding="utf-8"))["note"]
            os.utime(self.folder / key / _MANIFEST)
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return note

    def keep_note(self, key: str, note: dict[str, Any]) -> None:
        """Keep a few values in an entry of their own."""
        self._put(key, [], {"note": note})

    def keep(self, key: str, found: Extract) -> None:
        """Keep what workers made, unless it was cut short, is too large, or the folder cannot be written."""
        if self.folder is None or found.left_out:
            return
        files = sorted(found.folder.glob("*.arrow"))
        if sum(file.stat().st_size for file in files) > self.most_bytes / _LARGEST_SHARE:
            return
        manifest = {
            "chunks": [file.name for file in found.chunks],
            "shapeless": sorted(found.shapeless),
            "problems": found.problems,
        }
        self._put(key, files, manifest)

    def _put(self, key: str, files: list[Path], manifest: dict[str, Any]) -> None:
        """Write an entry beside the others and rename it into place."""
        if self.folder is None:
            return
        with contextlib.suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True)
            fresh = Path(tempfile.mkdtemp(prefix=".new-", dir=self.folder))
            try:
                for file in files:
                    shutil.copyfile(file, fresh / file.name)
                told = {file.name: _told(fresh / file.name) for file in files}
                (fresh / _MANIFEST).write_text(json.dumps({"files": told, **manifest}), encoding="utf-8")
                fresh.rename(self.folder / key)  # fails where another process was quicker
            finally:
                shutil.rmtree(fresh, ignore_errors=True)
            self._prune(key)

    def _prune(self, kept: str) -> None:
        """Remove the entries that were used longest ago until the rest fits; never the one named."""
        entries = sorted(self._entries(), key=lambda each: each[1], reverse=True)
        total = 0
        for entry, _, size in entries:
            total += size
            if total > self.most_bytes and entry.name != kept:
                shutil.rmtree(entry, ignore_errors=True)

    def _entries(self) -> Iterator[tuple[Path, float, int]]:
        for entry in self.folder.iterdir() if self.folder is not None else ():
            with contextlib.suppress(OSError):
                used = (entry / _MANIFEST).stat().st_mtime
                yield entry, used, sum(file.stat().st_size for file in entry.iterdir())


def _told(file: Path) -> list[Any]:
    """Return the size and hash of a file, as the manifest has them."""
    digest = hashlib.blake2b(digest_size=16)
    _update(digest, file)
    return [file.stat().st_size, digest.hexdigest()]


def _update(digest: Any, path: Path) -> None:
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
