"""`Overlay`: the streams of one observed property become one value, one quality and one code per object.

Streams are tied to objects by a CSR index (object -> streams), so a tick over 100,000 streams costs milliseconds and
is done once for all viewers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np

from scenes import Field
from twin.live.frames import Frame
from twin.live.observations import NONE, OLD, iso_time
from twin.live.state import NEVER

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from twin.live.datastreams import Datastreams
    from twin.live.state import LiveState

Reducer = Literal["mean", "max", "min", "last", "worst"]

CODE_OUTSIDE, CODE_ALARM = 0, 254


class Scale(Protocol):
    """What an overlay needs of a colour scale."""

    def codes(self, values: NDArray[np.float32], quality: NDArray[np.uint8] | None = None) -> NDArray[np.uint8]:
        """Return the code of each value: 1 to 250 on the ramp, 251 old, 252 suspect, 253 no value."""


@dataclass(frozen=True, slots=True)
class Overlay:
    """How an observed property is shown.

    Parameters
    ----------
    number
        1 to 65535, what frames call it.
    observed_property
        Which datastreams take part.
    scale
        Turns values and qualities into codes.
    reducer
        How several streams of one object become one value: ``worst`` prefers streams in alarm, then the greatest
        value; ``last`` takes the newest.
    """

    number: int
    observed_property: str
    scale: Scale
    reducer: Reducer = "mean"

    def __post_init__(self) -> None:
        """Refuse numbers that do not fit into a frame."""
        if not 1 <= self.number <= 65_535:
            raise ValueError(f"overlay {self.observed_property}: number {self.number} is not 1 to 65535")


@dataclass(frozen=True, slots=True, eq=False)
class ObjectIndex:
    """CSR index: `objects[i]` has the streams ``streams[starts[i]:starts[i + 1]]``."""

    objects: NDArray[np.uint32]
    starts: NDArray[np.int64]
    streams: NDArray[np.int64]

    @classmethod
    def of(cls, datastreams: Datastreams, observed_property: str) -> ObjectIndex:
        """Return the index of the bound streams of one observed property."""
        streams = datastreams.observed_properties.get(observed_property, np.zeros(0, np.uint32)).astype(np.int64)
        streams = streams[datastreams.objects[streams] >= 0]
        streams = streams[np.argsort(datastreams.objects[streams], kind="stable")]
        objects, starts = np.unique(datastreams.objects[streams], return_index=True)
        return cls(objects.astype(np.uint32), np.append(starts, len(streams)).astype(np.int64), streams)

    def __len__(self) -> int:
        """Return the number of objects."""
        return len(self.objects)


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """One value per object: the field, (n,) age in seconds (NaN where nothing came yet), and (n,) alarm."""

    field: Field
    age_s: NDArray[np.float64]
    alarm: NDArray[np.bool_]


@dataclass(eq=False)
class OverlayView:
    """An overlay on a live state: computes readings, codes and frames; remembers what viewers have.

    Parameters
    ----------
    overlay
        What is shown.
    state
        Where the values come from; its datastreams must be bound to the scene.
    count
        Number of handles in the scene.
    """

    overlay: Overlay
    state: LiveState
    count: int
    _index: ObjectIndex = field(init=False)
    _codes: NDArray[np.uint8] = field(init=False)

    def __post_init__(self) -> None:
        """Index the streams by object."""
        self._index = ObjectIndex.of(self.state.datastreams, self.overlay.observed_property)
        self._codes = np.zeros(len(self._index), np.uint8)

    def read(self, now_ms: int) -> Reading:
        """Return the value, quality, age and alarm of each object at an instant."""
        state, index = self.state, self._index
        streams = index.streams
        quality = state.quality_at(now_ms)[streams]
        chosen = _preferred(quality, index.starts)
        alarmed = (state.alarm[streams] > 0) & (quality != OLD)
        given = _Streams(state.value[streams], state.time[streams], alarmed, chosen, index.starts)
        values = _REDUCERS[self.overlay.reducer](given)
        worst = _reduced(np.maximum, np.where(chosen, quality, 0), index.starts).astype(np.uint8)
        newest = _reduced(np.maximum, given.times, index.starts)
        alarm = _reduced(np.maximum, chosen & alarmed, index.starts).astype(bool)
        age_s = np.where(newest == NEVER, np.nan, (now_ms - np.where(newest == NEVER, 0, newest)) / 1000.0)
        unit = state.datastreams.unit(int(streams[0])) if len(streams) else ""
        made = Field(
            self.overlay.observed_property,
            unit,
            values,
            handles=index.objects,
            time=iso_time(now_ms),
            quality=worst,
            provenance={"reducer": self.overlay.reducer, "streams": len(streams)},
        )
        return Reading(made, age_s, alarm)

    def codes(self, reading: Reading) -> NDArray[np.uint8]:
        """Return the code of each object of a reading; objects in alarm have 254."""
        codes = np.asarray(self.overlay.scale.codes(reading.field.values, reading.field.quality), np.uint8)
        return np.where(reading.alarm, np.uint8(CODE_ALARM), codes)

    def tick(self, now_ms: int, *, replay: bool = False) -> Frame | None:
        """Return a frame with the codes that changed since the last tick, None if there are none."""
        codes = self.codes(self.read(now_ms))
        changed = np.flatnonzero(codes != self._codes)
        self._codes = codes
        if not len(changed):
            return None
        epoch, number = self.state.datastreams.scene_epoch, self.overlay.number
        return Frame(epoch, number, now_ms, codes[changed], self._index.objects[changed], replay)

    def full(self, now_ms: int, *, replay: bool = False) -> Frame:
        """Return a frame with the codes of all objects, as of the last tick; 0 for objects without streams."""
        everything = np.full(self.count, CODE_OUTSIDE, np.uint8)
        everything[self._index.objects] = self._codes
        return Frame(self.state.datastreams.scene_epoch, self.overlay.number, now_ms, everything, None, replay)


def _reduced(how: np.ufunc, values: NDArray[np.generic], starts: NDArray[np.int64]) -> NDArray[np.generic]:
    return np.asarray(how.reduceat(values, starts[:-1])) if len(values) else values[:0]


def _preferred(quality: NDArray[np.uint8], starts: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which streams count: those with a fresh value, else those with an old one, else all of the object."""
    fresh, present = (quality != OLD) & (quality != NONE), quality != NONE
    sizes = np.diff(starts)
    any_fresh = np.repeat(_reduced(np.maximum, fresh, starts).astype(bool), sizes)
    any_present = np.repeat(_reduced(np.maximum, present, starts).astype(bool), sizes)
    return np.where(any_fresh, fresh, np.where(any_present, present, True))


@dataclass(frozen=True, slots=True, eq=False)
class _Streams:
    """The streams of an index at one instant, in its order: values, times, alarms, and which of them count."""

    values: NDArray[np.float32]
    times: NDArray[np.int64]
    alarmed: NDArray[np.bool_]
    chosen: NDArray[np.bool_]
    starts: NDArray[np.int64]

    def picked(self, key: NDArray[np.generic], chosen: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Return, for each object, the value of the chosen stream with the greatest key."""
        objects = np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))
        order = np.lexsort((np.where(np.isnan(self.values), -np.inf, key), chosen, objects))
        return np.asarray(self.values[order[self.starts[1:] - 1]], np.float32)


def _mean(streams: _Streams) -> NDArray[np.float32]:
    values = np.where(streams.chosen, streams.values.astype(np.float64), 0.0)
    number = np.maximum(_reduced(np.add, streams.chosen.astype(np.int64), streams.starts), 1)
    return np.asarray(_reduced(np.add, values, streams.starts) / number, np.float32)


def _greatest(streams: _Streams) -> NDArray[np.float32]:
    return streams.picked(streams.values, streams.chosen)


def _least(streams: _Streams) -> NDArray[np.float32]:
    return streams.picked(-streams.values, streams.chosen)


def _newest(streams: _Streams) -> NDArray[np.float32]:
    return streams.picked(streams.times, streams.chosen)


def _worst(streams: _Streams) -> NDArray[np.float32]:
    alarmed = streams.chosen & streams.alarmed
    any_alarm = np.repeat(_reduced(np.maximum, alarmed, streams.starts).astype(bool), np.diff(streams.starts))
    return streams.picked(streams.values, np.where(any_alarm, alarmed, streams.chosen))


_REDUCERS: dict[Reducer, Callable[[_Streams], NDArray[np.float32]]] = {
    "mean": _mean,
    "max": _greatest,
    "min": _least,
    "last": _newest,
    "worst": _worst,
}
