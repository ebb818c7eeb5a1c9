"""The identity of features: ids that come out the same whenever the same file is read, window by window."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from gis.attributes import id_texts
from gis.seen import Seen, contains
from scenes.identity import derive_uids

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    Objects = NDArray[np.object_]
    Hashes = NDArray[np.uint64]

_IDS = (
    "osm_id", "@id", "full_id", "feature_id", "id", "gml_id", "identificatie", "globalid", "bin", "uid", "objectid",
    "adcode", "gid", "fid",
)  # fmt: skip
_NONE = np.zeros(0, np.uint64)


@dataclass(frozen=True, eq=False)
class Identity:
    """Ids of n features.

    Parameters
    ----------
    source_ids
        (n,) unique text ids within the dataset.
    uids
        (n,) URNs.
    scheme
        Alias scheme of `original`, empty if the file has no ids.
    original
        (n,) the file's own ids, empty text where there is none; not always unique.
    column
        Name of the id column, empty if there is none.
    """

    source_ids: Objects
    uids: Objects
    scheme: str
    original: Objects
    column: str

    def take(self, rows: NDArray[np.int64]) -> Identity:
        """Return the ids of some features, in the order given."""
        return replace(self, source_ids=self.source_ids[rows], uids=self.uids[rows], original=self.original[rows])


def id_column_of(frame: Any) -> str:
    """Return the name of the column that identifies features, empty if there is none.

    Examples
    --------
    >>> id_column_of(pd.DataFrame({"name": ["a"], "OBJECTID": [4]}))
    'OBJECTID'
    """
    lower = {str(column).lower(): str(column) for column in frame.columns}
    return next((lower[name] for name in _IDS if name in lower and _identifies(frame[lower[name]])), "")


class Identities:
    """Gives the features of one table their ids, window after window.

    A feature without an id gets a hash of its geometry; features that share an id are told apart by it. Which ids
    are shared must be known before the first feature gets one: `learn` reads the column of ids of the whole table.

    Parameters
    ----------
    dataset
        Namespace of the uids.
    column
        Name of the id column, empty if there is none.
    """

    def __init__(self, dataset: str, column: str) -> None:
        """Know nothing yet."""
        self.dataset = dataset
        self.column = column
        self._repeated = _NONE
        self._all: Hashes | None = None
        self._first: dict[str, str] = {}
        self._doubtful = Seen()
        self._counts: dict[int, int] = {}
        self._scheme: str | None = None

    def learn(self, values: Iterable[Any]) -> None:
        """Read the ids of the whole table: which there are, and which stand there more than once."""
        hashes = [hashes_of(texts[texts != ""]) for texts in map(id_texts, values)]
        found = np.sort(np.concatenate([*hashes, _NONE]))
        self._all = found
        self._repeated = np.unique(found[1:][found[1:] == found[:-1]])

    def of(self, frame: Any, plans_of: Callable[[NDArray[np.int64]], Iterable[bytes | None]]) -> Identity:
        """Return the ids of the features of one window; `plans_of` gives the WKB in two dimensions of some of them."""
        here = self.column if self.column in frame.columns else ""
        original = id_texts(frame[here]) if here else np.full(len(frame), "", object)
        ids = original.copy()
        doubtful = (ids == "") | pd.Series(ids).duplicated(keep=False).to_numpy()
        if len(self._repeated):
            doubtful |= contains(self._repeated, hashes_of(ids))
        rows = np.flatnonzero(doubtful)
        for row, wkb in zip(rows, plans_of(rows), strict=True):
            digest = hashlib.blake2b(wkb or b"", digest_size=6).hexdigest()
            ids[row] = f"{ids[row]}~{digest}" if ids[row] else digest
        for row, number in zip(rows, self._again(ids[rows]), strict=True):
            if number:
                ids[row] = f"{ids[row]}~{number + 1}"
        uids = np.array(derive_uids(self.dataset, ids.tolist()), object)
        self._remember(original, uids)
        if self._scheme is None:
            self._scheme = _scheme(self.column.lower(), frame, original) if self.column else ""
        return Identity(ids, uids, self._scheme, original, self.column)

    def parents_of(self, roots: list[str], identity: Identity) -> list[str | None]:
        """Return the uids of the features that `roots` name: of this window, or of any other."""
        if not any(roots):
            return [None] * len(roots)
        here: dict[str, str] = {}
        for name, uid in zip(identity.original, identity.uids, strict=True):
            here.setdefault(str(name), str(uid))
        elsewhere = {root for root in roots if root and root not in here}
        known = {root: uid for root, uid in self._first.items() if root in elsewhere}
        rest = [root for root in elsewhere - known.keys() if self._exists(root)]
        known |= dict(zip(rest, derive_uids(self.dataset, rest), strict=True))
        return [here.get(root) or known.get(root) if root else None for root in roots]

    def _exists(self, name: str) -> bool:
        if self._all is None:
            return False
        key = hashes_of(np.array([name], object))
        return bool(contains(self._all, key)[0]) and not contains(self._repeated, key)[0]

    def _remember(self, original: Objects, uids: Objects) -> None:
        """Keep the first uid of each shared id: parts may name it in a later window."""
        if len(self._repeated):
            for row in np.flatnonzero(contains(self._repeated, hashes_of(original))):
                self._first.setdefault(str(original[row]), str(uids[row]))

    def _again(self, ids: Objects) -> NDArray[np.int64]:
        """Return how often each of the ids came before, in this window or another."""
        within = pd.Series(ids).groupby(ids).cumcount().to_numpy().astype(np.int64)
        if not len(ids):
            return within
        hashes = hashes_of(ids)
        before = np.zeros(len(ids), np.int64)
        for row in np.flatnonzero(self._doubtful.known(hashes)):
            before[row] = self._counts.get(int(hashes[row]), 1)
        total = before + within
        for row in np.flatnonzero(total):
            self._counts[int(hashes[row])] = int(total[row]) + 1
        self._doubtful.add(np.unique(hashes[before == 0]))
        return total


def hashes_of(ids: Objects) -> Hashes:
    """Return a number for each id, the same in every process."""
    if not len(ids):
        return _NONE
    return pd.util.hash_array(ids, categorize=False).astype(np.uint64)


def _identifies(values: Any) -> bool:
    """Say whether a column has text or whole numbers, at least one of them."""
    if not values.notna().any():
        return False
    if pd.api.types.is_float_dtype(values):
        known = values.dropna()
        return bool((known == known.round()).all())
    return not pd.api.types.is_bool_dtype(values)


def _scheme(column: str, frame: Any, original: Objects) -> str:
    source = frame["source"].astype(str) if "source" in frame.columns else pd.Series([], dtype=object)
    from_osm = source.str.contains("openstreetmap").mean() > 0.5 if len(source) else False
    known = original[original != ""]
    tagged = len(known) > 0 and str(known[0]).split("/")[0] in {"node", "way", "relation"}
    if column in {"osm_id", "full_id", "@id"} or from_osm or tagged:
        return "osm"
    return column.strip("@").replace(":", "_")
