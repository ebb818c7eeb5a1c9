"""What a served city remembers: observations as files in its package, and the last day of them after a restart."""

from __future__ import annotations

import logging
import os
from datetime import UTC, datetime
from itertools import takewhile
from typing import TYPE_CHECKING

import numpy as np

from scenes import LoadError
from twin.live import HistoryStore, ReplayFeed, rows

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from twin.live import LiveHub

FOLDER = "history"
REMEMBERED_MS = 24 * 3_600_000
_DAY_MS = 24 * 3_600_000
_log = logging.getLogger(__name__)


class PackageHistory(HistoryStore):
    """The observations of a city package; a disk that fails costs rows and is logged, but never stops live data."""

    def flush(self) -> list[Path]:
        """Write what waits and return the files, none when that failed."""
        try:
            return super().flush()
        except OSError as error:
            _log.warning("%s: observations were not kept (%s); free or repair the disk", self.folder, error)
            return []

    def recent(self, since_ms: int, most: int) -> NDArray[np.void]:
        """Return the last rows since an instant by event time, at most about `most`; a broken file is left out."""
        found = [rows([], [], [])]
        first_day = datetime.fromtimestamp(since_ms // _DAY_MS * _DAY_MS / 1000, UTC).date().isoformat()
        days = sorted(self.folder.glob("date=*"), reverse=True)
        for day in takewhile(lambda each: each.name >= f"date={first_day}", days):
            for file in sorted(day.glob("*.parquet"), reverse=True):  # named by their first instant
                try:
                    batch = ReplayFeed(file, self.datastreams).read()
                except LoadError as error:
                    _log.warning("%s", error)
                    continue
                found.append(batch[batch["time"] >= since_ms])
                if sum(map(len, found)) >= most:
                    return np.concatenate(found[::-1])[-most:]
        return np.concatenate(found[::-1])


def remember(hub: LiveHub, package: Path) -> PackageHistory | None:
    """Bring the last day of a package back into a hub, and keep what comes from now on.

    Values that come back carry their own time, so they are shown as old where they are.

    Parameters
    ----------
    hub
        Not running yet.
    package
        Folder of the city package.

    Returns
    -------
    store
        Where observations are kept, None when the package cannot be written.
    """
    store = PackageHistory(package / FOLDER, hub.datastreams)
    past = store.recent(hub.now_ms() - REMEMBERED_MS, hub.history.capacity)
    hub.state.apply(past)
    hub.state.counts = type(hub.state.counts)()  # of this run only
    if not os.access(package, os.W_OK):
        return None
    hub.history.store = store
    return store
