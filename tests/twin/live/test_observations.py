"""What arrives from outside: every message becomes rows or a counted sentence, never an exception."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING

import numpy as np
import orjson
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenes import LoadError
from twin.live.datastreams import Datastreams
from twin.live.feed import Decoder, FeedStatus
from twin.live.observations import (
    GOOD,
    NONE,
    ROW,
    SUSPECT,
    decode_sensorthings,
    encode_sensorthings,
    iso_time,
    pack,
    parse_time,
    rows,
    unpack,
)

if TYPE_CHECKING:
    from pathlib import Path

HANDLES = {"rain-1": 0, "rain-2": 1, "77": 2}

batches = st.lists(
    st.tuples(
        st.integers(0, 2**32 - 1),
        st.integers(-(2**40), 2**42),
        st.floats(width=32, allow_nan=True),
        st.sampled_from([GOOD, SUSPECT, NONE]),
    ),
    max_size=30,
).map(lambda cells: rows(*([list(column) for column in zip(*cells, strict=True)] or [[], [], [], []])))


def array(*cells: list[object], stream: object = "rain-1", components: object = ("phenomenonTime", "result")) -> bytes:
    entry = {"Datastream": {"@iot.id": stream}, "components": components, "dataArray": list(cells)}
    return json.dumps([entry]).encode()


@given(batches, st.integers(0, 2**32 - 1))
def test_packing_and_unpacking_gives_the_same_rows(batch: np.ndarray, epoch: int) -> None:
    found = unpack(pack(batch, epoch))
    assert found.epoch == epoch
    assert found.rows.tobytes() == batch.tobytes()


@given(batches.filter(len), st.data())
def test_a_packed_message_that_is_cut_anywhere_is_refused(batch: np.ndarray, data: st.DataObject) -> None:
    payload = pack(batch, 1)
    with pytest.raises(LoadError):
        unpack(payload[: data.draw(st.integers(0, len(payload) - 1))])


def test_an_arrow_stream_is_read_like_packed_rows() -> None:
    table = pa.table({"handle": pa.array([3], pa.uint32()), "time": [1000], "value": pa.array([1.5], pa.float32())})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema.with_metadata({"epoch": "9"})) as writer:
        writer.write_table(table)
    found = unpack(sink.getvalue().to_pybytes())
    assert found.epoch == 9
    assert found.rows.tolist() == [(3, 1000, 1.5, GOOD)]


def test_an_arrow_stream_without_an_epoch_is_refused() -> None:
    table = pa.table({"handle": pa.array([3], pa.uint32()), "time": [1000], "value": pa.array([1.5], pa.float32())})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    with pytest.raises(LoadError, match="epoch"):
        unpack(sink.getvalue().to_pybytes())


@pytest.mark.parametrize(
    ("result", "value", "quality"),
    [
        (2.5, 2.5, GOOD),
        ("2.5", 2.5, GOOD),
        (True, 1.0, GOOD),
        (None, math.nan, NONE),
        ("NaN", math.nan, NONE),
        ("", math.nan, NONE),
        (1e300, math.nan, NONE),
    ],
)
def test_results_of_many_kinds_become_numbers(result: object, value: float, quality: int) -> None:
    found = decode_sensorthings(array(["2026-07-01T00:00:00Z", result]), HANDLES, 0)
    assert found.rows["value"].tolist() == pytest.approx([value], nan_ok=True)
    assert found.rows["quality"].tolist() == [quality]
    assert found.malformed == 0


def test_bare_nan_that_is_not_json_is_tolerated() -> None:
    text = b'{"Datastream": {"@iot.id": "rain-1"}, "phenomenonTime": "2026-07-01T00:00:00Z", "result": NaN}'
    assert decode_sensorthings(text, HANDLES, 0).rows["quality"].tolist() == [NONE]


@pytest.mark.parametrize("result", ["wet", {}, [1], "1,5"])
def test_a_result_that_is_no_number_is_counted_and_the_others_are_kept(result: object) -> None:
    payload = array(["2026-07-01T00:00:00Z", result], ["2026-07-01T00:01:00Z", 1.0])
    found = decode_sensorthings(payload, HANDLES, 0)
    assert len(found.rows) == 1
    assert found.malformed == 1
    assert "rain-1" in found.problems[0].message


@pytest.mark.parametrize(
    "cell", [None, 5, {}, [], ["2026-07-01T00:00:00Z"], ["yesterday", 1.0], ["9999999-01-01", 1.0]]
)
def test_a_malformed_row_is_counted(cell: object) -> None:
    found = decode_sensorthings(array(cell), HANDLES, 0)  # type: ignore[arg-type]
    assert len(found.rows) == 0
    assert found.malformed == 1


def test_unknown_datastreams_are_counted_and_named() -> None:
    found = decode_sensorthings(array(["2026-07-01T00:00:00Z", 1], stream="elsewhere"), HANDLES, 0)
    assert (len(found.rows), found.unknown) == (0, 1)
    assert "elsewhere" in found.problems[0].message


def test_numeric_ids_and_ids_in_links_are_the_same() -> None:
    assert decode_sensorthings(array(["2026-07-01T00:00:00Z", 1], stream=77), HANDLES, 0).rows["handle"].tolist() == [2]


def test_an_observation_without_time_takes_the_time_of_arrival() -> None:
    found = decode_sensorthings(b'{"Datastream": {"@iot.id": "rain-1"}, "result": 3}', HANDLES, 1234)
    assert found.rows["time"].tolist() == [1234]


def test_the_order_of_components_is_free() -> None:
    cell = ["suspect", 4.5, {"x": 1}, "2026-07-01T00:00:00+08:00"]
    payload = array(cell, components=["resultQuality", "result", "parameters", "phenomenonTime"])
    found = decode_sensorthings(payload, HANDLES, 0)
    assert found.rows.tolist() == [(0, parse_time("2026-06-30T16:00:00Z"), 4.5, SUSPECT)]


@given(batches.filter(len))
def test_sensorthings_survives_encoding_and_decoding(batch: np.ndarray) -> None:
    batch = batch.copy()
    batch["handle"] %= 3
    found = decode_sensorthings(encode_sensorthings(batch, ["rain-1", "rain-2", "77"]), HANDLES, 0)
    assert found.malformed == found.unknown == 0
    ordered = batch[np.argsort(batch["handle"], kind="stable")]
    assert found.rows.tobytes() == rows(*(ordered[name] for name in ROW.names or ())).tobytes()


@given(st.integers(-(10**11), 4 * 10**12))
def test_instants_survive_text(time_ms: int) -> None:
    assert parse_time(iso_time(time_ms)) == time_ms


@pytest.mark.parametrize("value", ["", "soon", "2026-13-01", True, None, [], 1e300])
def test_what_is_no_time_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_time(value)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["Datastream", "@iot.id", "components", "dataArray", "result", "phenomenonTime", "value"]),
            inner,
            max_size=5,
        )
    ),
    max_leaves=25,
)


@given(st.binary(max_size=200) | anything.map(lambda document: json.dumps(document).encode()))
def test_no_message_whatever_breaks_the_decoder(payload: bytes) -> None:
    streams = Datastreams.from_records([{"id": "rain-1"}])
    decoder = Decoder(streams, FeedStatus("test"))
    assert decoder.rows(payload, "topic").dtype == ROW
    assert decoder.status.messages == 1


@given(st.binary(max_size=60))
def test_no_broken_binary_message_breaks_the_decoder(tail: bytes) -> None:
    decoder = Decoder(Datastreams.from_records([{"id": "a"}]), FeedStatus("test"))
    for start in (b"CTO1", b"\xff\xff\xff\xff"):
        assert len(decoder.rows(start + tail, "topic")) == 0
    assert decoder.status.malformed + decoder.status.other_epoch == 2


def test_deep_json_is_refused_with_a_sentence() -> None:
    for payload in (b"[" * 5000, b"[" * 5000 + b"NaN" + b"]" * 5000):
        with pytest.raises(LoadError, match="is not JSON"):
            decode_sensorthings(payload, HANDLES, 0)


def test_another_epoch_is_counted_and_dropped() -> None:
    streams = Datastreams.from_records([{"id": "a"}])
    decoder = Decoder(streams, FeedStatus("test"))
    assert len(decoder.rows(pack(rows([0], 0, [1.0]), streams.epoch ^ 1), "topic")) == 0
    assert decoder.status.other_epoch == 1
    assert "epoch" in decoder.problems.listed()[0].message
    assert len(decoder.rows(pack(rows([0], 0, [1.0]), streams.epoch), "topic")) == 1


@pytest.mark.real_data
def test_templates_are_refused_and_observations_of_the_ogc_suite_are_read(real_data: Path) -> None:
    folder = real_data / "sensors" / "sensorthings_ets"
    files = sorted(folder.rglob("*.json"))
    refused = 0
    for file in files:
        payload = file.read_bytes()
        try:
            document = orjson.loads(payload)
        except orjson.JSONDecodeError:
            refused += 1
            with pytest.raises(LoadError, match=r"^SensorThings message: is not JSON \(.+\); send") as found:
                decode_sensorthings(payload, HANDLES, 0)
            assert "\n" not in str(found.value)
            continue
        if isinstance(document, dict) and "result" not in document:
            with pytest.raises(LoadError, match="something else than observations"):
                decode_sensorthings(payload, HANDLES, 0)
    assert len(files) == 75
    assert refused == 28


@pytest.mark.real_data
def test_an_observation_of_the_ogc_suite_is_read_once_its_template_is_filled(real_data: Path) -> None:
    text = (real_data / "sensors" / "sensorthings_ets" / "observations" / "dataArray.json").read_text()
    filled = re.sub(r"\$[\w-]+", "77", text)
    found = decode_sensorthings(filled.encode(), HANDLES, 0)
    assert found.rows["value"].tolist() == [65.0, 60.0]
    assert found.rows["time"].tolist() == [parse_time("2010-12-23T17:20:00Z"), parse_time("2010-12-23T17:21:00Z")]
