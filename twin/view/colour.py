"""`ColourScale`: values to codes, codes to colours, and what the legend says.

Codes are one byte an object: 0 = not part of the overlay, 1 to 250 on the ramp or one a class, 251 old,
252 suspect, 253 no value, 254 alarm. All ramps can be told apart with any colour vision.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

CODE_NONE, CODE_FIRST, CODE_LAST = 0, 1, 250
CODE_OLD, CODE_SUSPECT, CODE_NO_DATA, CODE_ALARM = 251, 252, 253, 254
TINT = 235
FAINT_TINT = 200

# viridis and cividis: matplotlib (CC0), sampled at eleven places; diverging: RdBu of ColorBrewer 2.0, reversed.
RAMPS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "viridis": (
            "#440154",
            "#482475",
            "#414487",
            "#355f8d",
            "#2a788e",
            "#21918c",
            "#22a884",
            "#44bf70",
            "#7ad151",
            "#bddf26",
            "#fde725",
        ),
        "cividis": (
            "#00224e",
            "#083370",
            "#35456c",
            "#4f576c",
            "#666970",
            "#7d7c78",
            "#948e77",
            "#aea371",
            "#c8b866",
            "#e5cf52",
            "#fee838",
        ),
        "diverging": (
            "#053061",
            "#2065ab",
            "#4393c3",
            "#90c4dd",
            "#d1e5f0",
            "#f7f6f6",
            "#fddbc7",
            "#f3a481",
            "#d6604d",
            "#b1182b",
            "#67001f",
        ),
        "sun": ("#25204f", "#4b2a6b", "#7c3572", "#ad4468", "#d65f52", "#ee8640", "#f9b13d", "#fbd85f", "#fff3b0"),
        "water": ("#eaf6fb", "#c6e6f2", "#93cde4", "#5aadd3", "#2f89bd", "#1f669f", "#1b467d", "#142a56"),
    }
)

_STATES = {
    CODE_OLD: (150, 140, 122, FAINT_TINT),
    CODE_SUSPECT: (176, 122, 176, TINT),
    CODE_NO_DATA: (154, 163, 175, FAINT_TINT),
    CODE_ALARM: (221, 44, 44, 255),
}
_OF_QUALITY = {1: CODE_OLD, 2: CODE_SUSPECT, 3: CODE_NO_DATA}


@dataclass(frozen=True, slots=True)
class ColourClass:
    """One class of a scale: the value it stands for, its colour ``#rrggbb``, its names by language."""

    value: float
    colour: str
    titles: Mapping[str, str]


@dataclass(frozen=True)
class ColourScale:
    """Turns the values of one quantity into codes and colours.

    Parameters
    ----------
    name, unit
        What is shown, and its UCUM unit.
    titles
        Names for people by language.
    minimum, maximum
        Ends of the ramp, in `unit`; values outside take the end's colour.
    ramp
        A name in `RAMPS`.
    classes
        Classes instead of a ramp, at most 250.

    Raises
    ------
    ValueError
        When the ramp is unknown or its ends are not in order.

    Examples
    --------
    >>> scale = ColourScale("height", "m", {"en": "Height"}, 0.0, 100.0)
    >>> scale.codes([0.0, 50.0, 1000.0, float("nan")]).tolist()
    [1, 126, 250, 253]
    """

    name: str
    unit: str = "1"
    titles: Mapping[str, str] = field(default_factory=dict)
    minimum: float = 0.0
    maximum: float = 1.0
    ramp: str = "viridis"
    classes: tuple[ColourClass, ...] = ()

    def __post_init__(self) -> None:
        """Check the ramp and its ends."""
        if self.ramp not in RAMPS:
            raise ValueError(f"{self.name}: there is no ramp {self.ramp!r}; there are {', '.join(RAMPS)}")
        if not (np.isfinite(self.minimum) and np.isfinite(self.maximum) and self.minimum < self.maximum):
            raise ValueError(f"{self.name}: the ends {self.minimum} and {self.maximum} are not in order")
        if len(self.classes) > CODE_LAST:
            raise ValueError(f"{self.name}: {len(self.classes)} classes do not fit into {CODE_LAST} codes")

    def codes(self, values: ArrayLike, quality: ArrayLike | None = None) -> NDArray[np.uint8]:
        """Return the (n,) uint8 code of each value.

        Parameters
        ----------
        values
            (n,) numbers in `unit`; NaN = no value.
        quality
            (n,) 0 = good, 1 = old, 2 = suspect, 3 = no value.
        """
        numbers = np.asarray(values, dtype=np.float64)
        codes = self._class_codes(numbers) if self.classes else self._ramp_codes(numbers)
        if quality is not None:
            states = np.asarray(quality)
            for state, code in _OF_QUALITY.items():
                codes[states == state] = code
        codes[np.isnan(numbers)] = CODE_NO_DATA
        return codes

    def palette(self) -> NDArray[np.uint8]:
        """Return (256, 4) RGBA; A is the strength of the tint, 0 for codes that are not used."""
        palette = np.zeros((256, 4), np.uint8)
        if self.classes:
            for code, each in enumerate(self.classes, CODE_FIRST):
                palette[code] = (*_rgb(each.colour), TINT)
        else:
            palette[CODE_FIRST : CODE_LAST + 1, :3] = self._ramp_colours(CODE_LAST)
            palette[CODE_FIRST : CODE_LAST + 1, 3] = TINT
        for code, colour in _STATES.items():
            palette[code] = colour
        return palette

    def spec(self, number: int, *, layers: Sequence[str] = (), source: str = "attribute") -> dict[str, Any]:
        """Return the overlay as viewers want it (JSON).

        Parameters
        ----------
        number
            1 to 65535, what frames and messages call it.
        layers
            Layers that take part; empty = all.
        source
            ``live``, ``field`` or ``attribute``.
        """
        titles = {"en": self.titles.get("en", self.name), "zh": self.titles.get("zh", self.titles.get("en", self.name))}
        return {
            "id": number,
            "name": self.name,
            "titles": titles,
            "unit": self.unit,
            "source": source,
            "layers": list(layers),
            "legend": self._legend(),
            "palette": base64.b64encode(self.palette().tobytes()).decode(),
        }

    def _ramp_codes(self, values: NDArray[np.float64]) -> NDArray[np.uint8]:
        share = np.clip((values - self.minimum) / (self.maximum - self.minimum), 0.0, 1.0)
        places = np.rint(np.nan_to_num(share) * (CODE_LAST - CODE_FIRST) + 0.01)
        return (places + CODE_FIRST).astype(np.uint8)

    def _class_codes(self, values: NDArray[np.float64]) -> NDArray[np.uint8]:
        codes = np.full(values.shape, CODE_NO_DATA, np.uint8)
        for code, each in enumerate(self.classes, CODE_FIRST):
            codes[values == each.value] = code
        return codes

    def _ramp_colours(self, count: int) -> NDArray[np.uint8]:
        stops = np.array([_rgb(colour) for colour in RAMPS[self.ramp]], np.float64)
        places = np.linspace(0.0, len(stops) - 1.0, count)
        channels = [np.interp(places, np.arange(len(stops)), stops[:, channel]) for channel in range(3)]
        return np.rint(np.column_stack(channels)).astype(np.uint8)

    def _legend(self) -> dict[str, Any]:
        if self.classes:
            items = [
                {"code": code, "colour": each.colour, "titles": {"en": "", "zh": "", **each.titles}}
                for code, each in enumerate(self.classes, CODE_FIRST)
            ]
            return {"type": "classes", "items": items}
        colours = RAMPS[self.ramp]
        stops = [[place / (len(colours) - 1), colour] for place, colour in enumerate(colours)]
        return {"type": "ramp", "min": self.minimum, "max": self.maximum, "stops": stops}


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
