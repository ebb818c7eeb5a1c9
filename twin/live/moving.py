"""`Fleet`: where everything that moves is now, as columns, and the frames that tell viewers.

As with `LiveState`, the last report wins by event time: late, doubled and shuffled reports end in the same state.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from scenes.georeference import WGS84
from twin.live.movements import GONE, KINDS, Movements
from twin.live.moving_frames import UNKNOWN_SPEED, MovingFrame
from twin.live.state import AHEAD_MS, NEVER, wall_clock_ms

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from scenes import Georeference
    from twin.live.ground import HeightsOf
    from twin.live.moving_history import MovingHistory

GONE_AFTER_S = 120.0
MOST = 200_000
TURN_FROM_M = 0.5
"""Who went less since the report before keeps its heading."""

ROOM = 4096
FARTHEST_M = 1e6

STATE = np.dtype(
    [
        ("time", "<i8"), ("x", "<f4"), ("y", "<f4"), ("z", "<f4"), ("heading", "<f4"), ("speed", "<f4"),
        ("kind", "u1"), ("code", "u1"),
    ]
)  # fmt: skip


@dataclass
class MovingCounts:
    """What became of the reports so far.

    `late` ones are not newer than what is known; `future` ones are more than five minutes ahead; `misplaced` ones have
    no place within 1,000 km of the city; `refused` ones name more than 200,000 things.
    """

    received: int = 0
    applied: int = 0
    late: int = 0
    future: int = 0
    misplaced: int = 0
    refused: int = 0

    def as_dict(self) -> dict[str, int]:
        """Return the counts for JSON and metrics."""
        return asdict(self)


class Fleet:
    """Newest place, heading, speed, kind and colour of everything that moves.

    Parameters
    ----------
    georeference
        Of the city, for reports that are not in its local metres.
    ground
        Gives the height of the ground for reports without one; None = level at zero.
    history
        Receives every accepted report.
    clock
        Gives the present instant in ms.
    gone_after_s
        Who has not reported for so long is no longer shown.

    Examples
    --------
    >>> fleet = Fleet(clock=lambda: 60_000)
    >>> fleet.apply(Movements(["a"], 1000, [0.0], [0.0])).tolist()
    [0]
    >>> fleet.apply(Movements(["a"], 3000, [20.0], [0.0])).tolist()
    [0]
    >>> fleet.describe(0)["speed_m_s"], fleet.describe(0)["heading_deg"]
    (10.0, 90.0)
    """

    def __init__(
        self,
        georeference: Georeference | None = None,
        ground: HeightsOf | None = None,
        history: MovingHistory | None = None,
        clock: Callable[[], int] = wall_clock_ms,
        gone_after_s: float = GONE_AFTER_S,
    ) -> None:
        """Start with nothing."""
        self.georeference = georeference
        self.ground = ground
        self.history = history
        self.clock = clock
        self.gone_after_ms = int(gone_after_s * 1000)
        self.counts = MovingCounts()
        self.ids: list[str] = []
        self.epoch = int(time.time_ns() // 1_000_000) & 0xFFFFFFFF
        self._numbers: dict[str, int] = {}
        self._state = np.zeros(ROOM, STATE)
        self._shown = np.zeros(ROOM, bool)
        self._changed = np.zeros(ROOM, bool)

    def __len__(self) -> int:
        """Return how many things are shown."""
        return int(self._shown.sum())

    @property
    def numbers(self) -> NDArray[np.int64]:
        """Numbers of the things that are shown, ascending."""
        return np.flatnonzero(self._shown)

    def apply(self, moved: Movements) -> NDArray[np.int64]:
        """Take in reports and return the numbers of the things that moved, ascending.

        Raises
        ------
        GeoreferenceError
            When they are in a system that leads nowhere near the city.
        """
        self.counts.received += len(moved)
        x, y = self._local(moved)
        numbers = np.array([self._number(each) for each in moved.ids], np.int64)
        times = np.asarray(moved.time_ms)
        placed = np.asarray((np.abs(x) < FARTHEST_M) & (np.abs(y) < FARTHEST_M))
        early = times <= self.clock() + AHEAD_MS
        newer = times > np.where(numbers >= 0, self._state["time"][numbers], NEVER)
        good = placed & early & newer & (numbers >= 0)
        self.counts.refused += int((numbers < 0).sum())
        self.counts.misplaced += int((~placed).sum())
        self.counts.future += int((placed & ~early).sum())
        self.counts.late += int((placed & early & ~newer & (numbers >= 0)).sum())
        if not good.any():
            return np.zeros(0, np.int64)
        rows, numbers = self._rows(moved, x, y, np.flatnonzero(good), numbers[good])
        if self.history is not None:
            self.history.append(numbers, rows)
        last = np.append(numbers[1:] != numbers[:-1], True)
        numbers, rows = numbers[last], rows[last]
        self._state[numbers] = rows
        self._shown[numbers] = self._changed[numbers] = True
        self.counts.applied += len(numbers)
        return np.asarray(numbers, np.int64)

    def changed(self, now_ms: int, *, replay: bool = False) -> MovingFrame | None:
        """Return what changed since the last call, and who is gone; None when nothing did."""
        silent = self._shown & (self._state["time"] < now_ms - self.gone_after_ms)
        self._shown &= ~silent
        numbers = np.flatnonzero(self._changed | silent)
        self._changed[:] = False
        if not len(numbers):
            return None
        return self._frame(numbers, now_ms, full=False, replay=replay)

    def full(self, now_ms: int, *, replay: bool = False) -> MovingFrame:
        """Return all that is shown."""
        return self._frame(self.numbers, now_ms, full=True, replay=replay)

    def frame_of(self, numbers: NDArray[np.int64], rows: NDArray[np.void], now_ms: int) -> MovingFrame:
        """Return a full frame of states of another time, such as `MovingHistory.at` gives."""
        return _framed(self.epoch, numbers, rows, now_ms, full=True, replay=True)

    def describe(self, number: int) -> dict[str, Any]:
        """Return id, kind, place, speed and last report of a thing, for people.

        Raises
        ------
        KeyError
            When there is no such number.
        """
        if not 0 <= number < len(self.ids):
            raise KeyError(number)
        row = self._state[number]
        speed = float(row["speed"])
        found: dict[str, Any] = {
            "number": number,
            "id": self.ids[number],
            "kind": KINDS[int(row["kind"])],
            "shown": bool(self._shown[number]),
            "point": [round(float(row[axis]), 3) for axis in "xyz"],
            "heading_deg": round(float(row["heading"]), 1),
            "speed_m_s": None if np.isnan(speed) else round(speed, 2),
            "time": int(row["time"]),
        }
        if self.georeference is not None:
            lon, lat = self.georeference.lonlat(float(row["x"]), float(row["y"]))
            found["lonlat"] = [round(float(lon), 6), round(float(lat), 6)]
        return found

    def find(self, text: str, limit: int = 20) -> list[dict[str, Any]]:
        """Return the first of those that are shown whose id contains a text."""
        wanted = text.casefold()
        found = (number for number in self.numbers.tolist() if wanted in self.ids[number].casefold())
        return [self.describe(number) for number, _ in zip(found, range(limit), strict=False)]

    def forget_gone(self) -> None:
        """Give out new numbers when most of the old ones stand for things that are gone."""
        here = self.numbers
        if len(self.ids) < ROOM or len(here) * 4 > len(self.ids):
            return
        ids = [self.ids[number] for number in here.tolist()]
        state = self._state[here]
        self.ids, self._numbers = ids, {each: number for number, each in enumerate(ids)}
        room = max(ROOM, 2 * len(ids))
        self._state, self._shown = np.zeros(room, STATE), np.zeros(room, bool)
        self._changed = np.zeros(room, bool)
        self._state[: len(ids)], self._shown[: len(ids)], self._changed[: len(ids)] = state, True, True
        self.epoch = (self.epoch + 1) & 0xFFFFFFFF
        if self.history is not None:
            self.history.clear()

    def _frame(self, numbers: NDArray[np.int64], now_ms: int, *, full: bool, replay: bool) -> MovingFrame:
        frame = _framed(self.epoch, numbers, self._state[numbers], now_ms, full=full, replay=replay)
        frame.columns["kind"] = np.where(self._shown[numbers], frame.columns["kind"], np.uint8(GONE))
        return frame

    def _number(self, name: str) -> int:
        """Return the number of a name, a new one when it is heard first; -1 when there are too many."""
        known = self._numbers.get(name)
        if known is not None:
            return known
        number = len(self.ids)
        if number >= MOST:
            return -1
        if number == len(self._state):
            more = len(self._state)
            self._state = np.concatenate([self._state, np.zeros(more, STATE)])
            self._shown = np.concatenate([self._shown, np.zeros(more, bool)])
            self._changed = np.concatenate([self._changed, np.zeros(more, bool)])
        self._state[number]["time"] = NEVER
        self._numbers[name] = number
        self.ids.append(name)
        return number

    def _local(self, moved: Movements) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        x, y = np.asarray(moved.x, np.float64), np.asarray(moved.y, np.float64)
        if not moved.crs or not len(moved):
            return x, y
        if self.georeference is None:
            raise ValueError(f"reports in {moved.crs} need the georeference of the city")
        if moved.crs == WGS84:
            return self.georeference.from_lonlat(x, y)
        return self.georeference.localise_from(moved.crs, x, y)

    def _rows(
        self,
        moved: Movements,
        x: NDArray[np.float64],
        y: NDArray[np.float64],
        chosen: NDArray[np.int64],
        numbers: NDArray[np.int64],
    ) -> tuple[NDArray[np.void], NDArray[np.int64]]:
        """Return the chosen reports as rows of the state, by number and time, with what they leave out filled in."""
        times = np.asarray(moved.time_ms)[chosen]
        order = np.lexsort((times, numbers))
        chosen, numbers = chosen[order], numbers[order]
        rows = np.zeros(len(chosen), STATE)
        rows["time"], rows["x"], rows["y"] = times[order], x[chosen], y[chosen]
        z = np.asarray(moved.z_m, np.float64)[chosen]
        if np.isnan(z).any():
            level = np.zeros(len(z)) if self.ground is None else self.ground(x[chosen], y[chosen])
            z = np.where(np.isnan(z), level, z)
        rows["z"] = z
        rows["kind"], rows["code"] = np.asarray(moved.kind)[chosen], np.asarray(moved.code)[chosen]
        self._course(rows, numbers, moved, chosen)
        return rows, numbers

    def _course(
        self, rows: NDArray[np.void], numbers: NDArray[np.int64], moved: Movements, chosen: NDArray[np.int64]
    ) -> None:
        """Fill heading and speed in: as they are reported, else by the way since the report before."""
        before = self._state[numbers].copy()
        again = np.append(False, numbers[1:] == numbers[:-1])
        before[again] = rows[np.flatnonzero(again) - 1]
        known = before["time"] != NEVER
        east, north = rows["x"] - before["x"], rows["y"] - before["y"]
        way = np.where(known, np.hypot(east, north), 0.0)
        seconds = np.where(known, np.maximum(rows["time"] - np.where(known, before["time"], 0), 1), 1) / 1000.0
        kept = np.where(known, before["heading"], 0.0)
        turned = np.where(way > TURN_FROM_M, np.degrees(np.arctan2(east, north)), kept)
        heading = np.asarray(moved.heading_deg, np.float64)[chosen]
        rows["heading"] = np.where(np.isnan(heading), turned, heading) % 360.0
        speed = np.asarray(moved.speed_m_s, np.float64)[chosen]
        rows["speed"] = np.where(np.isnan(speed), np.where(known, way / seconds, np.nan), np.maximum(speed, 0.0))


def _framed(
    epoch: int, numbers: NDArray[np.int64], rows: NDArray[np.void], now_ms: int, *, full: bool, replay: bool
) -> MovingFrame:
    age = np.clip(now_ms - rows["time"], -(2**31), 2**31 - 1)
    speed = rows["speed"].astype(np.float64)
    centimetres = np.where(np.isnan(speed), UNKNOWN_SPEED, np.minimum(np.round(np.nan_to_num(speed) * 100), 65_534))
    columns: dict[str, NDArray[np.generic]] = {
        "number": numbers.astype(np.uint32),
        "age_ms": age.astype(np.int32),
        "x": rows["x"],
        "y": rows["y"],
        "z": rows["z"],
        "heading": (np.round(rows["heading"].astype(np.float64) / 360.0 * 65_536) % 65_536).astype(np.uint16),
        "speed": centimetres.astype(np.uint16),
        "kind": rows["kind"],
        "code": rows["code"],
    }
    return MovingFrame(epoch, now_ms, columns, full, replay)
