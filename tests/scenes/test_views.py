"""Scenes as GeoDataFrames, trimesh scenes and plans, and the views that live on the top floor."""

from __future__ import annotations

from dataclasses import replace
from importlib.metadata import EntryPoint
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
import pytest

from scenes import Batch, Instances, Layer, MeshSet, MissingLibraryError, QueryError, Scene, UnknownObjectError
from scenes.convert import layer_mesh
from scenes.schema import object_table

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

mpl.use("Agg")


def test_a_scene_as_a_frame(city: Scene) -> None:
    frame = city.to_geopandas()
    assert len(frame) == 35
    assert frame.crs.to_epsg() == 32651
    assert list(frame["handle"]) == list(range(35))
    assert list(frame.index) == list(city)
    assert frame.attrs["units"]["height_m"] == "m"
    assert frame.geometry.iloc[1].bounds == (354_020.0, 3_457_000.0, 354_030.0, 3_457_010.0)
    assert frame[frame["layer"] == "stops"].geometry.geom_type.eq("Point").all()
    assert "footprint" not in frame.columns


def test_a_layer_as_a_frame_with_and_without_its_place(city: Scene) -> None:
    layer = city.layers["buildings"]
    placed, local = layer.to_geopandas(city.georeference), layer.to_geopandas()
    assert placed.crs.to_epsg() == 32651
    assert local.crs is None
    assert np.allclose(placed.total_bounds - local.total_bounds, [354_000, 3_457_000] * 2)


def test_an_object_without_a_plan_is_a_point_in_the_middle_of_its_bounds(
    city: Scene, boxes: Callable[..., Batch]
) -> None:
    batch = boxes(2)
    place = batch.table.schema.get_field_index("footprint")
    bare = object_table({"uid": ["x", "y"], "kind": ["Door"] * 2})["footprint"]
    table = batch.table.set_column(place, batch.table.schema.field(place), bare)
    frame = Layer("a", (replace(batch, table=table),)).to_geopandas(city.georeference)
    assert (frame.geometry.iloc[1].x, frame.geometry.iloc[1].y) == pytest.approx((354_025.0, 3_457_005.0))
    nowhere = Layer("a", (Batch(object_table({"uid": ["x"], "kind": ["Door"]})),)).to_geopandas(city.georeference)
    assert nowhere.geometry.iloc[0] is None


def test_an_empty_scene_is_an_empty_frame(city: Scene) -> None:
    empty = Scene(city.georeference)
    assert len(empty.to_geopandas()) == 0
    assert len(empty.query("TRUE")) == 0
    assert len(empty.to_trimesh().geometry) == 0


def test_a_scene_as_trimesh(city: Scene) -> None:
    model = city.to_trimesh()
    assert list(model.geometry) == ["buildings"]
    mesh = model.geometry["buildings"]
    assert mesh.is_watertight
    assert mesh.volume == pytest.approx(sum(100.0 * (10 + number) for number in range(30)), rel=1e-5)
    assert np.allclose(model.bounds, [[0, 0, 0], [590, 10, 39]], atol=1e-3)
    assert np.unique(mesh.metadata["handles"]).tolist() == list(range(30))
    assert len(city.to_trimesh("3").geometry) == 0


def test_instances_are_written_out_for_trimesh(city: Scene) -> None:
    tree = MeshSet.of_one([[-1, 0, 0], [1, 0, 0], [0, 0, 4]], [[0, 1, 2]])
    two = np.zeros((2, 3), np.float32)
    two[1, 0] = 50.0
    placed = Instances(tree, np.array([0, 1], np.uint32), two, np.zeros(2, np.float32), np.ones((2, 3), np.float32))
    batch = Batch(
        object_table({"uid": ["a", "b"], "kind": ["SolitaryVegetationObject"] * 2}),
        {"1": replace(MeshSet.empty(), instances=(placed,))},
    )
    layer = Layer("trees", (batch, batch))
    assert layer_mesh(layer).triangle_rows().tolist() == [0, 1, 2, 3]
    model = city.with_layer(layer).to_trimesh()
    assert model.geometry["trees"].bounds[:, 0].tolist() == [-1.0, 51.0]


@pytest.mark.parametrize("column", ["", "height_m", "use", "listed", "lines"])
def test_a_plan_is_drawn_with_its_unit(city: Scene, column: str) -> None:
    from matplotlib import pyplot as plt

    axes = city.plot(column)
    assert axes.get_title() == "test (EPSG:32651)"
    assert axes.get_xlim()[0] < 354_000 < axes.get_xlim()[1]
    assert len(axes.collections) >= 2
    if column == "height_m":
        assert axes.figure.axes[1].get_ylabel() == "height_m / m"
    if column == "use":
        legend = axes.get_legend()
        assert [text.get_text() for text in legend.get_texts()] == ["home", "shop"]
        assert legend.get_title().get_text() == "use"
    axes.figure.canvas.draw()
    plt.close(axes.figure)


def test_a_plan_of_one_layer_on_given_axes(city: Scene) -> None:
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots()
    assert city.plot(layers=["stops"], axes=axes) is axes
    assert len(axes.collections) == 1
    plt.close(figure)
    with pytest.raises(UnknownObjectError, match="no such layer"):
        city.plot(layers=["trees"])
    with pytest.raises(QueryError, match="no layer has this column"):
        city.plot("colour")


def shown(scene: Scene, *arguments: Any, **options: Any) -> tuple[str, tuple[Any, ...], dict[str, Any]]:
    """Stand for a view of the top floor."""
    return scene.name, arguments, options


def test_views_of_the_top_floor_are_found_by_entry_point(
    city: Scene, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    points = [EntryPoint(name, "json:dumps", "scenes.views") for name in ("view", "html", "pyvista")]
    monkeypatch.setattr(EntryPoint, "load", lambda _self: shown)
    monkeypatch.setattr("scenes.extensions.entry_points", lambda group: points if group == "scenes.views" else [])
    assert city.view(height=400) == ("test", (), {"height": 400})
    assert city.to_pyvista() == ("test", (), {})
    assert city.to_html(tmp_path / "a.html") == ("test", (tmp_path / "a.html",), {})


def test_a_missing_view_says_what_to_install(city: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scenes.extensions.entry_points", lambda group: [])  # noqa: ARG005
    with pytest.raises(MissingLibraryError, match=r"pip install 'citytwin\[app\]'"):
        city.view()
    broken = [EntryPoint("view", "no_such_library_at_all:view", "scenes.views")]
    monkeypatch.setattr("scenes.extensions.entry_points", lambda group: broken)  # noqa: ARG005
    with pytest.raises(MissingLibraryError, match="no_such_library_at_all is not installed"):
        city.view()
