"""What became of the sources of a city."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from scenes.problems import Problems

if TYPE_CHECKING:
    from scenes.errors import CityTwinError
    from scenes.model import Scene
    from scenes.sources import Source


@dataclass
class Outcome:
    """What became of one source.

    Parameters
    ----------
    source
        The source.
    loader
        Name of the loader that read it, empty if nobody does.
    layers
        Objects that it brought to each layer.
    problems
        What was found wrong with it.
    error
        Why it was left out, None if it was not.
    facts
        What its loader decided about it, such as ``georeference``.
    """

    source: Source
    loader: str = ""
    layers: dict[str, int] = field(default_factory=dict)
    problems: Problems = field(default_factory=Problems)
    error: CityTwinError | None = None
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def objects(self) -> int:
        """Objects that it brought."""
        return sum(self.layers.values())

    @property
    def state(self) -> str:
        """``left out``, ``errors``, ``warnings`` or ``sound``: the worst that was found."""
        if self.error is not None:
            return "left out"
        found = {problem.severity for problem in self.problems.listed()}
        return "errors" if "error" in found else "warnings" if "warning" in found else "sound"

    def as_dict(self) -> dict[str, Any]:
        """Return the outcome as a plain dictionary for JSON."""
        why = {} if self.error is None else {"why": self.error.what, "advice": self.error.advice}
        return {
            "source": self.source.shown,
            "loader": self.loader,
            "state": self.state,
            "objects": self.objects,
            "layers": self.layers,
            "findings": self.problems.totals(),
            **self.facts,
            **why,
        }


@dataclass(frozen=True)
class Assembly:
    """What `gather` brings: the scene (None when nothing could be loaded), and the outcome of each source."""

    scene: Scene | None
    outcomes: tuple[Outcome, ...]
