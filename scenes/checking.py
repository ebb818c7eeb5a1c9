"""What is wrong with source files: one report for text, JSON and pages.

Loading a file already finds a lot (its `Problems`). A `Checker` looks at what loading forgives: the rules of the
format itself, and geometry that can be drawn although it is not sound. Checkers register in the entry point group
``scenes.checkers``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from scenes.assembly import gather
from scenes.errors import CityTwinError, GeoreferenceError
from scenes.guard import readers
from scenes.problems import Problem, Problems

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from scenes.model import Scene
    from scenes.outcomes import Outcome
    from scenes.sources import Source


@runtime_checkable
class Checker(Protocol):
    """Checks one family of formats against its rules. Making one does no work.

    With the class attribute ``guarded = True`` `check` runs in a reader process (`scenes.guard`). A checker with an
    attribute ``beside`` is given the other sources of the report in it, for formats that another file completes.
    """

    name: str

    def supports(self, source: Source) -> bool:
        """Say whether this checker knows the format; must not open more than the head of the file."""

    def check(self, source: Source) -> list[Problem]:
        """Return what is wrong with the source.

        Raises
        ------
        CityTwinError
            When it cannot be read at all.
        """


def checkers() -> list[Checker]:
    """Return every installed checker, by name."""
    found = sorted(entry_points(group="scenes.checkers"), key=lambda point: point.name)
    return [point.load()() for point in found]


@dataclass
class Verdict:
    """What was found wrong with one source.

    Parameters
    ----------
    source
        Its path or address.
    loader
        Name of the loader that read it, empty if nobody does.
    objects
        Objects that were loaded.
    layers
        Objects of each layer.
    problems
        All findings.
    unreadable
        Why it could not be loaded, empty if it could.
    facts
        What its loader decided about it, such as ``georeference``.
    """

    source: str
    loader: str = ""
    objects: int = 0
    layers: dict[str, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    unreadable: str = ""
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def state(self) -> str:
        """``unreadable``, ``errors``, ``warnings`` or ``sound``: the worst that was found."""
        if self.unreadable:
            return "unreadable"
        found = {problem.severity for problem in self.problems}
        return "errors" if "error" in found else "warnings" if "warning" in found else "sound"

    def as_dict(self) -> dict[str, Any]:
        """Return the verdict as a plain dictionary for JSON."""
        return {
            "source": self.source,
            "state": self.state,
            "loader": self.loader,
            "objects": self.objects,
            "layers": self.layers,
            **self.facts,
            "problems": [problem.as_dict() for problem in self.problems],
        }


@dataclass
class Report:
    """The verdicts of all sources, and what they contradict each other in.

    Parameters
    ----------
    verdicts
        One for each source, in the order given.
    between
        Findings about several sources at once.
    """

    verdicts: list[Verdict]
    between: list[Problem] = field(default_factory=list)

    @property
    def problems(self) -> list[Problem]:
        """All findings."""
        return [*(problem for verdict in self.verdicts for problem in verdict.problems), *self.between]

    @property
    def failed(self) -> bool:
        """Whether any finding is an error."""
        return any(problem.severity == "error" for problem in self.problems)

    def rules(self) -> dict[str, dict[str, int]]:
        """Return how often each rule was hit, by severity: {rule: {severity: count}}."""
        counts: dict[str, dict[str, int]] = {}
        for problem in self.problems:
            of_rule = counts.setdefault(problem.rule, {})
            of_rule[problem.severity] = of_rule.get(problem.severity, 0) + 1
        return dict(sorted(counts.items()))

    def as_dict(self) -> dict[str, Any]:
        """Return the report as a plain dictionary for JSON."""
        states = [verdict.state for verdict in self.verdicts]
        return {
            "summary": {state: states.count(state) for state in ("sound", "warnings", "errors", "unreadable")},
            "rules": self.rules(),
            "sources": [verdict.as_dict() for verdict in self.verdicts],
            "between": [problem.as_dict() for problem in self.between],
            "problems": [problem.as_dict() for problem in self.problems],
        }


def check(  # noqa: PLR0913 - each says one thing about the check
    sources: Sequence[Source],
    *,
    crs: str = "",
    geoid: str = "",
    limit: int = 200,
    compare: Callable[[Scene], Sequence[Problem]] | None = None,
    also: Sequence[Checker] = (),
    progress: Callable[[str, float], None] = lambda _text, _share: None,
) -> Report:
    """Load and check sources, each with its own verdict; nothing that a file does stops the others.

    Parameters
    ----------
    sources
        What to check.
    crs
        Projected system of the scene; found from the sources otherwise.
    geoid
        Grid of undulations for heights above the ellipsoid.
    limit
        Findings of one rule that are kept one by one for each source.
    compare
        Looks at the whole scene for what the sources contradict each other in.
    also
        Checkers beside the installed ones.
    progress
        Called with a text and a share from 0 to 1.
    """
    outcomes, scene = _loaded(sources, (crs, geoid), limit, progress)
    known = [*checkers(), *also]
    verdicts: list[Verdict] = []
    for checker in known:
        if hasattr(checker, "beside"):
            checker.beside = tuple(sources)
    for outcome in outcomes:
        progress(f"checking {outcome.source.title}", 0.5 + 0.5 * len(verdicts) / len(outcomes))
        verdicts.append(_verdict(outcome, known, limit))
    between = list(compare(scene)) if compare is not None and scene is not None else []
    return Report(verdicts, between)


def _loaded(
    sources: Sequence[Source], frame: tuple[str, str], limit: int, progress: Callable[[str, float], None]
) -> tuple[list[Outcome], Scene | None]:
    """Return what becomes of each source in one scene; those that lie nowhere are tried again by themselves."""

    def half(text: str, share: float) -> None:
        progress(text, share / 2)

    try:
        crs, geoid = frame
        made = gather(sources, crs=crs, geoid=geoid, progress=half, keep_going=True, problem_limit=limit)
        outcomes, scene = list(made.outcomes), made.scene
    except GeoreferenceError:
        alone = [_alone(source, limit) for source in sources]
        return alone, None
    return [_again(outcome, limit) for outcome in outcomes], scene


def _again(outcome: Outcome, limit: int) -> Outcome:
    """Return an outcome; that of a source that does not fit the others is found by itself, and says so."""
    error = outcome.error
    if not isinstance(error, GeoreferenceError):
        return outcome
    alone = _alone(outcome.source, limit)
    if outcome.facts and not alone.problems.count("georeference-missing"):  # what it is in the scene outweighs
        alone.facts = outcome.facts
        alone.problems = alone.problems.without("georeference-choice")
        alone.problems.add("error", outcome.source.shown, "georeference-choice", error.what, error.advice)
    return alone


def _alone(source: Source, limit: int) -> Outcome:
    """Return what becomes of a source by itself; where it lies nowhere, it is put at the zero of a local grid."""
    return gather([source], keep_going=True, problem_limit=limit, local=True).outcomes[0]


def _verdict(outcome: Outcome, known: Sequence[Checker], limit: int) -> Verdict:
    source, problems = outcome.source, Problems(limit)
    problems.merge(outcome.problems)
    unreadable = ""
    if outcome.error is not None:
        unreadable = str(outcome.error)
        rule = type(outcome.error).__name__
        problems.add("error", source.shown, rule, outcome.error.what, outcome.error.advice)
    exists = source.is_remote or source.file.exists()
    for checker in known:
        if exists and checker.supports(source):
            problems.extend(_checked(checker, source))
    return Verdict(
        source.shown, outcome.loader, outcome.objects, outcome.layers, problems.listed(), unreadable, outcome.facts
    )


def _checked(checker: Checker, source: Source) -> list[Problem]:
    try:
        if getattr(checker, "guarded", False):
            return list(readers(1)[0].value(checker, "check", source) or [])
        return checker.check(source)
    except CityTwinError as error:
        return [Problem("error", source.shown, f"{checker.name}-unchecked", error.what, error.advice)]
