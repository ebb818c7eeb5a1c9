"""Wavefront OBJ: indices that exist, and the geometry of each closed body."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gis.checking.findings import Geometries
from scenes.problems import Problem

if TYPE_CHECKING:
    from scenes.sources import Source

_ADVICE = "export it again"


class ObjChecker:
    """Checks OBJ files: a file whose faces mostly share edges is checked as a solid, object by object."""

    name = "obj"
    guarded = True

    def supports(self, source: Source) -> bool:
        """Say whether the file is an OBJ, by its ending."""
        return source.suffix == ".obj" and source.file.is_file()

    def check(self, source: Source) -> list[Problem]:
        """Return what is wrong with its indices and its bodies."""
        found: list[Problem] = []
        points: list[list[float]] = []
        bodies: dict[str, list[list[list[list[float]]]]] = {}
        body = source.file.stem
        with source.file.open(encoding="utf-8", errors="replace") as lines:
            for number, line in enumerate(lines, 1):
                words = line.split()
                if not words:
                    continue
                place = f"line {number}"
                if words[0] in ("o", "g") and len(words) > 1:
                    body = " ".join(words[1:])
                elif words[0] == "v":
                    try:
                        points.append([float(word) for word in words[1:4]])
                    except ValueError:
                        points.append([])
                    if len(points[-1]) != 3:
                        message = "a vertex has no three numbers"
                        found.append(Problem("error", body, "obj-vertex", message, _ADVICE, place))
                        points[-1] = [0.0, 0.0, 0.0]
                elif words[0] == "f":
                    face = _face(words[1:], points)
                    if face is None:
                        message = f"a face names a vertex that is none of the {len(points)} before it"
                        found.append(Problem("error", body, "obj-index", message, _ADVICE, place))
                    else:
                        bodies.setdefault(body, []).append([face])
        geometries = Geometries()
        for name, faces in bodies.items():
            geometries.add(name, faces, is_shell=True)
        return [*found, *geometries.problems()]


def _face(words: list[str], points: list[list[float]]) -> list[list[float]] | None:
    corners = []
    for word in words:
        try:
            index = int(word.split("/")[0])
        except ValueError:
            return None
        place = index - 1 if index > 0 else len(points) + index
        if index == 0 or not 0 <= place < len(points):
            return None
        corners.append(points[place])
    return corners
