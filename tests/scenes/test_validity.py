"""Sound solids have no finding, and each way of breaking one has its own code."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenes.validity import Faces, check_faces, check_shells

Face = list[list[list[float]]]

CUBE = [
    [[0, 0, 0], [0, 1, 0], [1, 1, 0], [1, 0, 0]],
    [[0, 0, 1], [1, 0, 1], [1, 1, 1], [0, 1, 1]],
    [[0, 0, 0], [1, 0, 0], [1, 0, 1], [0, 0, 1]],
    [[1, 0, 0], [1, 1, 0], [1, 1, 1], [1, 0, 1]],
    [[1, 1, 0], [0, 1, 0], [0, 1, 1], [1, 1, 1]],
    [[0, 1, 0], [0, 0, 0], [0, 0, 1], [0, 1, 1]],
]


def cube(size: float = 1.0, at: tuple[float, float, float] = (0, 0, 0), *, inward: bool = False) -> list[Face]:
    points = [[(np.array(corner) * size + at).tolist() for corner in ring] for ring in CUBE]
    return [[ring[::-1] if inward else ring] for ring in points]


def shell_codes(*shells: list[Face], outer: tuple[int, ...] = ()) -> list[int]:
    numbers = [number for number, shell in enumerate(shells) for _ in shell]
    faces = Faces.of([face for shell in shells for face in shell], numbers)
    assert not check_faces(faces)
    return sorted({finding.code for finding in check_shells(faces, outer)})


def face_codes(*rings: list[list[float]], closed: list[bool] | None = None) -> list[int]:
    return [finding.code for finding in check_faces(Faces.of([list(rings)], closed=closed))]


def flat(*corners: tuple[float, float]) -> list[list[float]]:
    return [[x, y, 0.0] for x, y in corners]


SQUARE = flat((0, 0), (10, 0), (10, 10), (0, 10))


@given(
    size=st.floats(0.1, 500), turn=st.floats(0, 6.28), at=st.tuples(*[st.floats(-1e6, 1e6)] * 3), inward=st.booleans()
)
def test_a_turned_and_moved_cube_is_sound_unless_turned_inside_out(
    size: float, turn: float, at: tuple[float, float, float], inward: bool
) -> None:
    matrix = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
    turned = [
        [[(matrix @ point + at).tolist() for point in ring] for ring in face] for face in cube(size, inward=inward)
    ]
    assert shell_codes(turned) == ([405] if inward else [])


def test_each_way_to_break_a_shell_has_its_code() -> None:
    assert shell_codes(cube()[:5]) == [302]
    assert shell_codes(cube()[:2]) == [301, 302]
    assert shell_codes([*cube()[:5], [cube()[5][0][::-1]]]) == [307]
    assert shell_codes([*cube(), *cube(at=(5, 0, 0))]) == [305]
    assert shell_codes([*cube(), *cube(at=(1, 1, 1))]) in ([303], [305])
    assert shell_codes([*cube(), [[[0, 0, 0], [1, 0, 0], [0.5, -1, 0]]]]) == [302, 303]
    wing = [[[0, 0, 0], [1, 0, 0], [0.5, -1, -1]], [[1, 0, 0], [0, 0, 0], [0.5, -1, -1]]]
    assert shell_codes([*cube(), *([ring] for ring in wing)]) == [303]


def test_a_shell_that_goes_through_itself_is_found() -> None:
    spike = cube()
    moved = [[[list(point) for point in ring] for ring in face] for face in spike]
    for face in moved:
        for ring in face:
            for point in ring:
                if point == [1, 1, 1]:
                    point[:] = [0.5, 0.5, -2.0]
    triangles = [[[ring[0], ring[k], ring[k + 1]]] for (ring,) in moved for k in (1, 2)]
    faces = Faces.of(triangles, [0] * len(triangles))
    assert 306 in {finding.code for finding in check_shells(faces)}


def test_inner_shells_must_lie_inside() -> None:
    hollow = cube(0.4, (0.3, 0.3, 0.3), inward=True)
    assert shell_codes(cube(), hollow, outer=(0, 0)) == []
    assert shell_codes(cube(), cube(0.4, (3, 0, 0), inward=True), outer=(0, 0)) == [403]
    assert shell_codes(cube(), cube(1.0, (0.5, 0.3, 0.2), inward=True), outer=(0, 0)) == [401]
    assert shell_codes(cube(), cube(0.4, (0.3, 0.3, 0.3)), outer=(0, 0)) == [405]


def test_each_way_to_break_a_polygon_has_its_code() -> None:
    assert face_codes(SQUARE) == []
    assert face_codes(flat((0, 0), (1, 0))) == [101]
    assert face_codes(flat((0, 0), (0, 0), (1, 0), (1, 1))) == [102]
    assert face_codes(SQUARE, closed=[False]) == [103]
    assert face_codes(flat((0, 0), (10, 10), (10, 0), (0, 12))) == [104]
    assert face_codes(flat((0, 0), (1, 0), (2, 0))) == [104]
    assert face_codes([[0, 0, 0], [10, 0, 0], [10, 10, 0.5], [0, 10, 0]]) == [203]


def test_holes_must_be_in_their_places() -> None:
    hole = flat((2, 2), (2, 4), (4, 4), (4, 2))
    assert face_codes(SQUARE, hole) == []
    assert face_codes(SQUARE, hole[::-1]) == [208]
    assert face_codes(SQUARE, flat((20, 20), (20, 24), (24, 24), (24, 20))) == [206]
    assert face_codes(SQUARE, flat((8, 2), (8, 4), (14, 4), (14, 2))) == [201]
    assert face_codes(SQUARE, flat((1, 1), (1, 9), (9, 9), (9, 1)), hole) == [207]


@given(height=st.floats(-5, 5))
def test_flatness_is_a_matter_of_a_centimetre(height: float) -> None:
    codes = face_codes([[0, 0, 0], [10, 0, 0], [10, 10, height], [0, 10, 0]])
    # Raising one corner of a square tilts its mean plane: a quarter of the height is left over at each corner.
    assert codes == ([203] if abs(height) / 4 > 0.011 else codes if abs(height) / 4 > 0.009 else [])


@pytest.mark.real_data
def test_solids_that_others_call_broken_are_broken(real_data: Path) -> None:
    folder = real_data / "malformed" / "citymodel_val3dity" / "test_geometry_generic"
    lines = (folder / "304_2.obj").read_text().splitlines()
    points = [[float(x) for x in line.split()[1:4]] for line in lines if line.startswith("v ")]
    faces = [[[points[int(v.split("/")[0]) - 1] for v in line.split()[1:]]] for line in lines if line.startswith("f ")]
    assert check_shells(Faces.of(faces, [0] * len(faces)))
