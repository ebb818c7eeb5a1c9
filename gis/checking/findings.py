"""From codes of geometry to findings that name the object, the level of detail and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenes.problems import Problem
from scenes.validity import MEANINGS, Faces, check_faces, check_shells

if TYPE_CHECKING:
    from collections.abc import Sequence


class Geometries:
    """Gathers the surfaces and solids of many objects and checks them all at once.

    Examples
    --------
    >>> geometries = Geometries()
    >>> _ = geometries.add("b1", [[[[0, 0, 0], [1, 0, 0], [1, 1, 0.5], [0, 1, 0]]]])
    >>> [(problem.object, problem.rule) for problem in geometries.problems()]
    [('b1', 'geometry-203')]
    """

    def __init__(self) -> None:
        """Start with nothing."""
        self._faces: list[Sequence[Sequence[Sequence[float]]]] = []
        self._shells: list[int] = []
        self._closed: list[bool] = []
        self._outer: list[int] = []
        self._names: list[str] = []

    def add(
        self,
        name: str,
        faces: Sequence[Sequence[Sequence[Sequence[float]]]],
        *,
        inner_of: int | None = None,
        is_shell: bool = False,
        closed: Sequence[bool] = (),
    ) -> int:
        """Add faces (face, ring, point) of one object and return the number of their shell, -1 if they form none.

        Parameters
        ----------
        name
            What the findings are about.
        faces
            Rings with or without their closing point.
        inner_of
            Number of the outer shell, when the faces are an inner shell of the same solid.
        is_shell
            Whether they must enclose a space.
        closed
            Whether each ring, in order, was closed in the file; all were, by default.
        """
        shell = -1
        if is_shell or inner_of is not None:
            shell = len(self._outer)
            self._outer.append(shell if inner_of is None else inner_of)
        rings = sum(len(face) for face in faces)
        self._faces.extend(faces)
        self._shells.extend([shell] * len(faces))
        self._names.extend([name] * len(faces))
        self._closed.extend(closed or [True] * rings)
        return shell

    def problems(self, advice: str = "repair it in its source") -> list[Problem]:
        """Return the findings about everything that was added."""
        if not self._faces:
            return []
        faces = Faces.of(self._faces, self._shells, self._closed)
        flaws = check_faces(faces)
        broken = {faces.shells[finding.face] for finding in flaws if finding.code != 203}
        shells = [finding for finding in check_shells(faces, self._outer) if faces.shells[finding.face] not in broken]
        found: list[Problem] = []
        counts: dict[tuple[int, str], int] = {}
        for finding in [*flaws, *shells]:
            name = self._names[finding.face]
            counts[finding.code, name] = counts.get((finding.code, name), 0) + 1
        for (code, name), count in counts.items():
            times = f" ({count} times)" if count > 1 else ""
            found.append(Problem("error", name, f"geometry-{code}", f"{MEANINGS[code]}{times}", advice))
        return found
