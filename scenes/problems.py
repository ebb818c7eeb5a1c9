"""What was found wrong while reading or checking, as data: one list for text, JSON and the page."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Severity = Literal["error", "warning", "info"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding: how bad, about which object, by which rule, what to do, and where it is.

    `place` is a text such as ``121.4998, 31.2397`` (longitude, latitude) or ``line 12``; empty where unknown.

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
    place: str = ""

    def as_dict(self) -> dict[str, str]:
        """Return the finding as a plain dictionary for JSON."""
        return {key: str(value) for key, value in asdict(self).items()}


def worst_first(problems: Iterable[Problem]) -> list[Problem]:
    """Return findings for a reader: errors, then warnings, then what is only told; each in the order they came.

    Examples
    --------
    >>> told = [Problem("info", "a", "r", ""), Problem("error", "b", "r", ""), Problem("info", "c", "r", "")]
    >>> "".join(problem.object for problem in worst_first(told))
    'bac'
    """
    return sorted(problems, key=lambda problem: get_args(Severity).index(problem.severity))


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

    def add(self, severity: Severity, where: str, rule: str, message: str, advice: str = "", place: str = "") -> None:
        """Add one finding about the object or file `where`."""
        count = self._counts.get(rule, 0) + 1
        self._counts[rule] = count
        if count <= self.limit:
            self._found.append(Problem(severity, where, rule, message, advice, place))

    def extend(self, problems: list[Problem]) -> None:
        """Add findings that were collected elsewhere, for instance in a worker process."""
        for problem in problems:
            self.add(problem.severity, problem.object, problem.rule, problem.message, problem.advice, problem.place)

    def without(self, rule: str) -> Problems:
        """Return the findings without those of a rule, as a list of its own."""
        left = Problems(self.limit)
        left.merge(self)
        left._found = [problem for problem in left._found if problem.rule != rule]
        left._counts.pop(rule, None)
        return left

    @property
    def kept(self) -> int:
        """Number of findings that are kept one by one."""
        return len(self._found)

    @property
    def last(self) -> Problem:
        """The finding that was kept last."""
        return self._found[-1]

    def beyond(self) -> dict[str, int]:
        """Return how many findings of each rule were counted and not kept."""
        return {rule: count - self.limit for rule, count in self._counts.items() if count > self.limit}

    def totals(self) -> dict[str, int]:
        """Return the number of findings of each rule."""
        return dict(self._counts)

    def merge(self, other: Problems) -> None:
        """Add everything that another list found."""
        self.extend(other._found)
        self.count_more(other.beyond())

    def count_more(self, counts: Mapping[str, int]) -> None:
        """Add findings of which only the number is known."""
        for rule, count in counts.items():
            self._counts[rule] = self._counts.get(rule, 0) + count

    def count(self, rule: str) -> int:
        """Return how often `rule` was hit, listed or not."""
        return self._counts.get(rule, 0)

    def listed(self) -> list[Problem]:
        """Return the findings in the order they came, then a line for each rule that was cut."""
        cut = [Problem("info", rule, rule, f"{rule}: {more} more of the same") for rule, more in self.beyond().items()]
        return [*self._found, *cut]
