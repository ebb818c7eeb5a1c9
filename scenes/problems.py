"""What was found wrong while reading or checking, as data: one list for text, JSON and the page."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Literal

Severity = Literal["error", "warning", "info"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding: how bad, about which object, by which rule, and what to do.

    Examples
    --------
    >>> Problem("warning", "way/7", "height-missing", "no height", "give --height").as_dict()["rule"]
    'height-missing'
    """

    severity: Severity
    object: str
    rule: str
    message: str
    advice: str = ""

    def as_dict(self) -> dict[str, str]:
        """Return the finding as a plain dictionary for JSON."""
        return {key: str(value) for key, value in asdict(self).items()}


@dataclass
class Problems:
    """Collects findings and keeps at most `limit` of each rule, counting the rest.

    Examples
    --------
    >>> found = Problems(limit=1)
    >>> for name in ("a", "b", "c"):
    ...     found.add("warning", name, "height-missing", "no height")
    >>> [problem.message for problem in found.listed()]
    ['no height', 'height-missing: 2 more of the same']
    """

    limit: int = 20
    _found: list[Problem] = field(default_factory=list)
    _counts: dict[str, int] = field(default_factory=dict)

    def add(self, severity: Severity, where: str, rule: str, message: str, advice: str = "") -> None:
        """Add one finding about the object or file `where`."""
        count = self._counts.get(rule, 0) + 1
        self._counts[rule] = count
        if count <= self.limit:
            self._found.append(Problem(severity, where, rule, message, advice))

    def extend(self, problems: list[Problem]) -> None:
        """Add findings that were collected elsewhere, for instance in a worker process."""
        for problem in problems:
            self.add(problem.severity, problem.object, problem.rule, problem.message, problem.advice)

    def count(self, rule: str) -> int:
        """Return how often `rule` was hit, listed or not."""
        return self._counts.get(rule, 0)

    def listed(self) -> list[Problem]:
        """Return the findings in the order they came, then a line for each rule that was cut."""
        more = [
            Problem("info", rule, rule, f"{rule}: {count - self.limit} more of the same")
            for rule, count in self._counts.items()
            if count > self.limit
        ]
        return [*self._found, *more]
