"""Tasks come out as objects with dates, in their order, and date the elements that they build and take down."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import ifcopenshell.api.sequence
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bim.schedule import duration_days, moment

if TYPE_CHECKING:
    from collections.abc import Callable


def utc(*parts: int) -> dt.datetime:
    return dt.datetime(*parts, tzinfo=dt.UTC)


def planned(model: Any, name: str, schedule: Any, kind: str, dates: tuple[str, str]) -> Any:
    """Add a task with a planned start and finish."""
    task = ifcopenshell.api.sequence.add_task(model, work_schedule=schedule, name=name, predefined_type=kind)
    time = ifcopenshell.api.sequence.add_task_time(model, task=task)
    time.ScheduleStart, time.ScheduleFinish = dates
    return task


@pytest.mark.parametrize("schema", ["IFC4", "IFC4X3"])
def test_tasks_date_what_they_build_and_remove(
    new_house: Callable[..., Any], said: Callable[..., Any], add: Callable[..., Any], schema: str
) -> None:
    house = new_house(schema)
    model, new, old = house.model, house.wall("New"), house.wall("Old")
    schedule = ifcopenshell.api.sequence.add_work_schedule(model, name="Programme")
    clear = planned(model, "Clear", schedule, "DEMOLITION", ("2026-03-01T08:00:00", "2026-03-05T17:00:00"))
    build = planned(model, "Build", schedule, "CONSTRUCTION", ("2026-03-09T08:00:00", "2026-03-20T17:00:00"))
    ifcopenshell.api.sequence.assign_process(model, relating_process=clear, related_object=old)
    ifcopenshell.api.sequence.assign_product(model, relating_product=new, related_object=build)
    lag = model.create_entity("IfcLagTime", None, None, None, model.create_entity("IfcDuration", "P2D"), "ELAPSEDTIME")
    ends = {"RelatingProcess": clear, "RelatedProcess": build}
    add(model, "IfcRelSequence", TimeLag=lag, SequenceType="FINISH_START", **ends)
    found = said(model)
    assert found.rows["Old"]["valid_to"] == utc(2026, 3, 5, 17)
    assert found.rows["New"]["valid_from"] == utc(2026, 3, 20, 17)
    assert found.rows["New"]["valid_to"] is found.rows["Old"]["valid_from"] is None
    row = found.rows["Build"]
    assert (row["layer"], row["kind"], row["parent"]) == ("schedule", "Task", "Programme")
    assert (row["start"], row["finish"]) == (utc(2026, 3, 9, 8), utc(2026, 3, 20, 17))
    assert {tie for tie in found.ties if tie[1] != "member"} == {
        ("Clear", "removes", "Old", "DEMOLITION"),
        ("Build", "builds", "New", "CONSTRUCTION"),
        ("Clear", "precedes", "Build", "FINISH_START +2 d"),
    }


def test_a_part_is_there_when_its_whole_is(
    new_house: Callable[..., Any], said: Callable[..., Any], add: Callable[..., Any]
) -> None:
    house = new_house("IFC4")
    model = house.model
    stair, flight = add(model, "IfcStair", "Stair"), add(model, "IfcStairFlight", "Flight")
    add(model, "IfcRelAggregates", RelatingObject=stair, RelatedObjects=[flight])
    schedule = ifcopenshell.api.sequence.add_work_schedule(model, name="Programme")
    task = planned(model, "Stairs", schedule, "INSTALLATION", ("2026-05-01", "2026-05-02"))
    ifcopenshell.api.sequence.assign_product(model, relating_product=stair, related_object=task)
    assert said(model).rows["Flight"]["valid_from"] == utc(2026, 5, 2)


def test_nested_tasks_and_durations_without_a_finish(new_house: Callable[..., Any], said: Callable[..., Any]) -> None:
    model = new_house("IFC4").model
    schedule = ifcopenshell.api.sequence.add_work_schedule(model, name="Programme")
    whole = ifcopenshell.api.sequence.add_task(model, work_schedule=schedule, name="Shell")
    part = ifcopenshell.api.sequence.add_task(model, parent_task=whole, name="Slab")
    time = ifcopenshell.api.sequence.add_task_time(model, task=part)
    time.ScheduleStart, time.ScheduleDuration, time.IsCritical, time.Completion = "2026-01-01", "P1DT12H", True, 0.25
    row = said(model).rows["Slab"]
    assert row["parent"] == "Shell"
    assert (row["finish"], row["duration_d"]) == (utc(2026, 1, 2, 12), 1.5)
    assert (row["is_critical"], row["completion"]) == (True, 0.25)


def test_times_of_ifc2x3_stand_in_a_control_of_their_own(
    new_house: Callable[..., Any], said: Callable[..., Any], add: Callable[..., Any]
) -> None:
    house = new_house("IFC2X3")
    model, wall, owner = house.model, house.wall("Wall"), {"OwnerHistory": house.storey.OwnerHistory}
    day = model.create_entity("IfcCalendarDate", 9, 3, 2026)
    hour = model.create_entity(
        "IfcLocalTime", 17, 30, None, model.create_entity("IfcCoordinatedUniversalTimeOffset", 8, None, "AHEAD")
    )
    finish = model.create_entity("IfcDateAndTime", day, hour)
    control = add(model, "IfcScheduleTimeControl", ScheduleFinish=finish, ScheduleDuration=86_400.0, **owner)
    task = add(model, "IfcTask", "Build", TaskId="1", IsMilestone=False, **owner)
    schedule = add(model, "IfcWorkSchedule", "Programme", Identifier="P", CreationDate=day, StartTime=day, **owner)
    assigned = {"RelatedObjects": [task], "RelatingControl": schedule, "TimeForTask": control}
    add(model, "IfcRelAssignsTasks", **assigned, **owner)
    add(model, "IfcRelAssignsToProcess", RelatedObjects=[wall], RelatingProcess=task, **owner)
    found = said(model)
    assert found.rows["Build"]["parent"] == "Programme"
    assert found.rows["Build"]["start"] == utc(2026, 3, 8, 9, 30)
    assert found.rows["Wall"]["valid_from"] == utc(2026, 3, 9, 9, 30)


@given(st.datetimes(timezones=st.just(dt.UTC)).map(lambda each: each.replace(microsecond=0)), st.integers(-12, 14))
def test_a_moment_is_the_same_in_every_zone(time: dt.datetime, hours: int) -> None:
    try:
        elsewhere = time.astimezone(dt.timezone(dt.timedelta(hours=hours)))
    except OverflowError:
        return
    assert moment(elsewhere.isoformat()) == time


@given(st.integers(0, 400), st.integers(0, 23), st.integers(0, 59))
def test_durations_add_up(days: int, hours: int, minutes: int) -> None:
    assert duration_days(f"P{days}DT{hours}H{minutes}M") == pytest.approx(days + hours / 24 + minutes / 1440)


@pytest.mark.parametrize("text", ["", "P", "PXD", "soon", "2026-13-45", None, [], "P1Y\x00"])
def test_nonsense_has_no_duration_and_no_moment(text: Any) -> None:
    assert duration_days(text) is None
    assert moment(text) is None


def test_a_duration_beyond_all_calendars_costs_only_its_task(
    new_house: Callable[..., Any], said: Callable[..., Any]
) -> None:
    model = new_house("IFC4").model
    schedule = ifcopenshell.api.sequence.add_work_schedule(model, name="Programme")
    for name, duration in (("Endless", "P99999999999D"), ("Short", "P1D")):
        task = ifcopenshell.api.sequence.add_task(model, work_schedule=schedule, name=name)
        time = ifcopenshell.api.sequence.add_task_time(model, task=task)
        time.ScheduleStart, time.ScheduleDuration = "2026-01-01", duration
    rows = said(model).rows
    assert rows["Endless"]["start"] is None
    assert rows["Short"]["finish"] == utc(2026, 1, 2)
