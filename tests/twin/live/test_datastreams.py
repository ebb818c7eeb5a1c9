"""The table of datastreams and its ties to the scene."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest

from scenes import LoadError, MissingSourceError, Scene
from twin.live import Datastreams

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_streams_are_bound_by_uid_alias_and_source_id(city_of: Callable[[int], Scene]) -> None:
    scene = city_of(5)
    streams = Datastreams.from_records(
        [
            {"id": "a", "object": "urn:uuid:3"},
            {"id": "b", "object": "gml:id:g4"},
            {"id": "c", "object": "source-1"},
            {"id": "d", "object": "nobody"},
            {"id": "e"},
        ]
    )
    bound = streams.bind(scene)
    assert bound.objects.tolist() == [3, 4, 1, -1, -1]
    assert [problem.object for problem in bound.problems] == ["d", "e"]
    assert bound.scene_epoch == scene.epoch
    assert bound.of_object(4).tolist() == [1]
    assert bound.of_object(-1).tolist() == []
    assert streams.objects.tolist() == [-1] * 5


def test_an_alias_of_two_objects_binds_to_neither(city_of: Callable[[int], Scene]) -> None:
    bound = Datastreams.from_records([{"id": "a", "object": "block:north"}]).bind(city_of(5))
    assert bound.objects.tolist() == [-1]
    assert "2 objects have this alias" in bound.problems[0].message


def test_the_table_survives_the_disk(tmp_path: Path) -> None:
    streams = Datastreams.from_records(
        [{"id": "a", "unit": "mm/h", "title_zh": "雨强", "high": 50.0, "maker": "x"}, {"id": "b"}]
    )
    again = Datastreams.read(streams.write(tmp_path / "streams.parquet"))
    assert again.table.equals(streams.table)
    assert again.epoch == streams.epoch
    assert "maker" in again.table.column_names
    assert [file.name for file in tmp_path.iterdir()] == ["streams.parquet"]


def test_missing_limits_never_alarm_and_missing_ages_are_fifteen_minutes() -> None:
    streams = Datastreams.from_records([{"id": "a"}, {"id": "b", "low": 1.0, "high": 2.0, "stale_after_s": 5.0}])
    assert streams.low.tolist() == [-np.inf, 1.0]
    assert streams.high.tolist() == [np.inf, 2.0]
    assert streams.stale_after_ms.tolist() == [900_000, 5000]


def test_the_epoch_is_that_of_the_ids_and_their_order() -> None:
    one, two = ({"id": "a"}, {"id": "b"})
    assert Datastreams.from_records([one, two]).epoch == Datastreams.from_records([{**one, "unit": "m"}, two]).epoch
    assert Datastreams.from_records([one, two]).epoch != Datastreams.from_records([two, one]).epoch


def test_an_id_twice_is_refused() -> None:
    with pytest.raises(LoadError, match="twice"):
        Datastreams.from_records([{"id": "a"}, {"id": "a"}])


def test_a_table_without_ids_or_with_text_for_limits_is_refused() -> None:
    with pytest.raises(LoadError, match="no column id"):
        Datastreams(pa.table({"name": ["a"]}))
    with pytest.raises(LoadError, match="column high"):
        Datastreams.from_records([{"id": "a", "high": "lots"}])


def test_a_missing_or_broken_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(MissingSourceError, match="no such file"):
        Datastreams.read(tmp_path / "none.parquet")
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 but not really")
    with pytest.raises(LoadError, match="not a Parquet table"):
        Datastreams.read(tmp_path / "broken.parquet")


def test_an_empty_table_is_a_table(city_of: Callable[[int], Scene]) -> None:
    streams = Datastreams.from_records([])
    assert len(streams) == 0
    assert streams.bind(city_of(2)).problems == ()
