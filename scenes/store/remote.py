"""City packages in object storage (S3 and whatever else fsspec reaches). The only door to fsspec.

```text
s3://bucket/NAME.city/
├── current                     the name of the version that counts: one small object, written last
└── versions/<name>/...         a city package as on disk, never changed once `current` names it
```

An object store cannot rename a folder, but it replaces one object whole: so a reader sees the old city or the new one.
A package that is opened is mirrored: what every reader needs at once, the rest (geometry, tiles) when it is touched.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from scenes.errors import MissingLibraryError, PackageError
from scenes.store import layout

CURRENT = "current"
VERSIONS = "versions"
KEPT_VERSIONS = 2
"""So that whoever has the version before the newest open can go on reading it."""
_ADDRESS = re.compile(r"^[a-z][a-z0-9+.-]+://", re.IGNORECASE)
_LATER = (layout.MESHES, layout.TILES)
_AT_ONCE = 8
_mirrors: dict[Path, str] = {}
_lock = threading.Lock()


def is_address(path: str | os.PathLike[str]) -> bool:
    """Say whether a path is an address such as ``s3://bucket/NAME.city``.

    Examples
    --------
    >>> is_address("s3://cities/lujiazui.city"), is_address("cities/lujiazui.city")
    (True, False)
    """
    return bool(_ADDRESS.match(str(path)))


def push(folder: Path, address: str) -> str:
    """Put a package into object storage as the version that counts, and return its address.

    Raises
    ------
    PackageError
        When the store refuses, or does not answer; what counted before still counts.
    """
    files, root = _store(address)
    name = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid4().hex[:8]}"
    own = [file for file in sorted(folder.rglob("*")) if file.is_file()]

    def put(file: Path) -> None:
        files.put_file(str(file), f"{root}/{VERSIONS}/{name}/{file.relative_to(folder).as_posix()}")

    try:
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            for _ in threads.map(put, own):
                pass
        files.pipe_file(f"{root}/{CURRENT}", name.encode())
        _sweep(files, root, name)
    except Exception as error:  # each store has errors of its own
        raise _refused(address, error) from error
    return address


def mirrored(address: str) -> Path:
    """Return a folder with the package of an address: its tables are there, the rest comes with `fetched`.

    Raises
    ------
    PackageError
        When there is no package, or the store does not answer.
    """
    files, root = _store(address)
    try:
        name = files.cat_file(f"{root}/{CURRENT}").decode().strip()
    except FileNotFoundError as error:
        raise PackageError(address, "there is no such city package", "make one with twin build") from error
    except Exception as error:  # each store has errors of its own
        raise _refused(address, error) from error
    if not re.fullmatch(r"[\w-]+", name):
        raise PackageError(f"{address}/{CURRENT}", "does not name a version", "build the city again")
    folder: Path = _cache() / hashlib.sha256(address.encode()).hexdigest()[:16] / name / root.rsplit("/", 1)[-1]
    prefix = f"{root}/{VERSIONS}/{name}"
    with _lock:
        _mirrors[folder.resolve()] = address
    if not layout.is_package(folder):  # the manifest comes last
        try:
            found = [str(path)[len(prefix) + 1 :] for path in files.find(prefix)]
            early = [path for path in found if path.split("/", 1)[0] not in _LATER and path != layout.MANIFEST]
            with ThreadPoolExecutor(_AT_ONCE) as threads:
                for _ in threads.map(lambda path: _get(files, f"{prefix}/{path}", folder / path), early):
                    pass
            (folder / ".there").write_text("\n".join(found), encoding="utf-8")
            _get(files, f"{prefix}/{layout.MANIFEST}", folder / layout.MANIFEST)
        except Exception as error:  # each store has errors of its own
            raise _refused(address, error) from error
    return folder


def fetched(file: Path) -> Path:
    """Return a file of a package, brought from the store first where its folder is a mirror and it is not there yet.

    Raises
    ------
    PackageError
        When the store does not answer.
    """
    if file.exists() or not _mirrors:
        return file
    for folder, address in list(_mirrors.items()):
        if folder in file.parents:
            path = file.relative_to(folder).as_posix()
            if path in (folder / ".there").read_text(encoding="utf-8").split("\n"):
                files, root = _store(address)
                try:
                    _get(files, f"{root}/{VERSIONS}/{folder.parent.name}/{path}", file)
                except Exception as error:  # each store has errors of its own
                    raise _refused(address, error) from error
    return file


def _get(files: Any, path: str, file: Path) -> None:
    """Bring one file; it takes its name when it is whole."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f".{file.name}.{uuid4().hex[:8]}")
    try:
        files.get_file(path, str(part))
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)


def _sweep(files: Any, root: str, newest: str) -> None:
    """Remove versions that nobody is told about any more."""
    names = sorted(str(path).rstrip("/").rsplit("/", 1)[-1] for path in files.ls(f"{root}/{VERSIONS}", detail=False))
    for name in [name for name in names if name != newest][: -(KEPT_VERSIONS - 1)]:
        files.rm(f"{root}/{VERSIONS}/{name}", recursive=True)


def _store(address: str) -> tuple[Any, str]:
    """Return the file system of an address and the path in it."""
    try:
        import fsspec  # noqa: PLC0415 - an optional part

        files, root = fsspec.core.url_to_fs(address)
    except ImportError as error:
        what = "the library for this kind of storage is not installed"
        raise MissingLibraryError(address, what, "pip install citytwin[scale]") from error
    except ValueError as error:
        raise PackageError(address, "is no kind of storage that is known", "write s3://BUCKET/NAME.city") from error
    files.invalidate_cache()
    return files, str(root).rstrip("/")


def _refused(address: str, error: Exception) -> PackageError:
    reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
    return PackageError(address, f"the store does not do it ({reason})", "check the address and the credentials")


def _cache() -> Path:
    """Return the folder of mirrors: CITYTWIN_CACHE, else the user's folder for what can be made again."""
    given = os.environ.get("CITYTWIN_CACHE")
    base = Path(given) if given else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "citytwin"
    return base / "cities"


def forget_mirrors() -> None:
    """Remove every mirror of this user; the next opening brings what it needs again."""
    with _lock:
        _mirrors.clear()
    shutil.rmtree(_cache(), ignore_errors=True)
