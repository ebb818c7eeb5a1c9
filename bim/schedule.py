"""Worker side: the fourth dimension: tasks of work schedules, and which elements they build and take down."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bim.entities import READ_ERRORS, attribute, every, list_at, number_at, text_at
from bim.relations import Tie

if TYPE_CHECKING:
    from collections.abc import Iterator

# Tasks that end the life of what they are assigned to (IfcTaskTypeEnum).
_ENDING = frozenset({"DEMOLITION", "REMOVAL", "DISMANTLE", "DISPOSAL"})
# Tasks that bring it into being; files that do not say are taken to build.
_BUILDING = frozenset({"CONSTRUCTION", "INSTALLATION", "NOTDEFINED", "USERDEFINED", ""})
_WORKS = ("IfcWorkPlan", "IfcWorkSchedule", "IfcTask")


@dataclass(slots=True)
class Schedule:
    """What the schedules of a model say, by entity number.

    Parameters
    ----------
    columns
        Start, finish, duration and so on of each plan, schedule and task.
    parents
        The task or schedule above each.
    ties
        Which task comes before which, and what it builds, removes or works on.
    built, removed
        When each element is finished, and when it is gone.
    """

    columns: dict[int, dict[str, Any]] = field(default_factory=dict)
    parents: dict[int, int] = field(default_factory=dict)
    ties: list[Tie] = field(default_factory=list)
    built: dict[int, dt.datetime] = field(default_factory=dict)
    removed: dict[int, dt.datetime] = field(default_factory=dict)


def read_schedule(model: Any) -> Schedule:
    """Return the work plans, schedules and tasks of an open model, of any schema."""
    found = Schedule()
    old_times, found.parents = _assigned_to_controls(model)
    for name in _WORKS:
        for entity in every(model, name):
            read = _task_columns if name == "IfcTask" else _control_columns
            try:
                found.columns[entity.id()] = _known(read(entity, old_times.get(entity.id())))
            except READ_ERRORS:  # a date or duration beyond all calendars
                found.columns[entity.id()] = {}
    found.parents |= _nested(model, found.columns)
    found.ties = [*_sequences(model), *_assignments(model, found.columns)]
    _date_elements(found)
    return found


def moment(value: Any) -> dt.datetime | None:
    """Return a date and time of any schema as UTC, None if there is none; a time without a zone is taken as UTC.

    Examples
    --------
    >>> moment("2026-03-01T08:00:00+08:00").isoformat()
    '2026-03-01T00:00:00+00:00'
    >>> moment("2026-03-01").isoformat()
    '2026-03-01T00:00:00+00:00'
    """
    try:
        if isinstance(value, str):
            read = dt.datetime.fromisoformat(value.strip())
        elif value is None or isinstance(value, int):
            return None
        elif value.is_a("IfcDateAndTime"):
            read = _calendar_date(value.DateComponent) + _local_time(value.TimeComponent)
        else:
            read = _calendar_date(value)
    except READ_ERRORS:
        return None
    return read.astimezone(dt.UTC) if read.tzinfo is not None else read.replace(tzinfo=dt.UTC)


def duration_days(value: Any) -> float | None:
    """Return a duration in days, None if there is none; a year counts as 365 days, a month as 30.

    Examples
    --------
    >>> duration_days("P1DT12H"), duration_days("P2W"), duration_days("PT0S"), duration_days("soon")
    (1.5, 14.0, 0.0, None)
    >>> duration_days("-P2D")
    -2.0
    """
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value / 86_400  # IFC2x3: IfcTimeMeasure in seconds
    text = str(value or "").strip().upper()
    sign = -1.0 if text.startswith("-") else 1.0
    date, _, time = text.removeprefix("-").removeprefix("P").partition("T")
    parts = [*_numbers(date, {"Y": 365.0, "M": 30.0, "W": 7.0, "D": 1.0})]
    parts += _numbers(time, {"H": 1 / 24, "M": 1 / 1440, "S": 1 / 86_400})
    return sign * sum(parts) if parts and None not in parts else None  # type: ignore[arg-type]


def _numbers(text: str, units: dict[str, float]) -> Iterator[float | None]:
    number = ""
    for letter in text:
        if letter.isdigit() or letter in ".,-":
            number += letter.replace(",", ".")
            continue
        try:
            yield float(number) * units[letter]
        except (KeyError, ValueError):
            yield None
        number = ""


def _calendar_date(date: Any) -> dt.datetime:
    return dt.datetime(date.YearComponent, date.MonthComponent, date.DayComponent, tzinfo=dt.UTC)


def _local_time(time: Any) -> dt.timedelta:
    seconds = dt.timedelta(
        hours=time.HourComponent, minutes=time.MinuteComponent or 0, seconds=float(time.SecondComponent or 0.0)
    )
    zone = time.Zone
    if zone is None:
        return seconds
    offset = dt.timedelta(hours=zone.HourOffset, minutes=zone.MinuteOffset or 0)
    return seconds + offset if text_at(zone, "Sense") == "BEHIND" else seconds - offset


def _assigned_to_controls(model: Any) -> tuple[dict[int, Any], dict[int, int]]:
    """Return the times of IFC2x3 tasks, and the schedule that root tasks are assigned to."""
    times, parents = {}, {}
    for relation in every(model, "IfcRelAssignsToControl"):
        control, time = attribute(relation, "RelatingControl"), attribute(relation, "TimeForTask")
        for task in list_at(relation, "RelatedObjects"):
            if time is not None:
                times[task.id()] = time
            if control is not None and control.is_a("IfcScheduleTimeControl"):
                times[task.id()] = control
            elif control is not None and control.is_a("IfcWorkControl"):
                parents[task.id()] = control.id()
    return times, parents


def _nested(model: Any, known: dict[int, dict[str, Any]]) -> dict[int, int]:
    found = {}
    for name in ("IfcRelAggregates", "IfcRelNests"):
        for relation in every(model, name):
            whole = attribute(relation, "RelatingObject")
            if whole is not None and whole.id() in known:
                parts = list_at(relation, "RelatedObjects")
                found.update({each.id(): whole.id() for each in parts if each.id() in known})
    return found


def _known(columns: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in columns.items() if value not in (None, "")}


def _task_columns(task: Any, old_time: Any) -> dict[str, Any]:
    time = attribute(task, "TaskTime") or old_time
    columns: dict[str, Any] = {
        "identification": text_at(task, "Identification") or text_at(task, "TaskId"),
        "status": text_at(task, "Status"),
        "work_method": text_at(task, "WorkMethod"),
        "is_milestone": attribute(task, "IsMilestone"),
    }
    return columns if time is None else columns | _time_columns(time)


def _time_columns(time: Any) -> dict[str, Any]:
    planned = moment(attribute(time, "ScheduleStart")), moment(attribute(time, "ScheduleFinish"))
    actual = moment(attribute(time, "ActualStart")), moment(attribute(time, "ActualFinish"))
    days = duration_days(attribute(time, "ScheduleDuration"))
    start = actual[0] or planned[0] or moment(attribute(time, "EarlyStart"))
    finish = actual[1] or planned[1] or moment(attribute(time, "EarlyFinish"))
    span = dt.timedelta(days=days) if days is not None else None
    if span is not None and finish is None and start is not None:
        finish = start + span
    if span is not None and start is None and finish is not None:
        start = finish - span
    share = number_at(time, "Completion")
    return {
        "start": start,
        "finish": finish,
        "planned_start": planned[0],
        "planned_finish": planned[1],
        "actual_start": actual[0],
        "actual_finish": actual[1],
        "duration_d": days,
        "float_d": duration_days(attribute(time, "TotalFloat")),
        "is_critical": attribute(time, "IsCritical"),
        "completion": share,
    }


def _control_columns(control: Any, _time: Any) -> dict[str, Any]:
    return {
        "identification": text_at(control, "Identification") or text_at(control, "Identifier"),
        "start": moment(attribute(control, "StartTime")),
        "finish": moment(attribute(control, "FinishTime")),
        "duration_d": duration_days(attribute(control, "Duration")),
    }


def _sequences(model: Any) -> Iterator[Tie]:
    """Yield which task comes before which; the role is kind of sequence and lag, such as ``FINISH_START +2 d``."""
    for relation in every(model, "IfcRelSequence"):
        before, after = attribute(relation, "RelatingProcess"), attribute(relation, "RelatedProcess")
        if before is None or after is None:
            continue
        lag = attribute(relation, "TimeLag")
        days = duration_days(_lag_value(lag))
        role = text_at(relation, "SequenceType")
        yield Tie(before.id(), "precedes", after.id(), f"{role} {days:+g} d".strip() if days else role)


def _lag_value(lag: Any) -> Any:
    value = attribute(lag, "LagValue") if hasattr(lag, "is_a") else lag
    value = getattr(value, "wrappedValue", value)
    return value if isinstance(value, (str, int, float)) and value != 0.0 else None


def _assignments(model: Any, known: dict[int, dict[str, Any]]) -> Iterator[Tie]:
    """Yield what the tasks work on: an output that is built, or an input that is removed or used."""
    for relation in every(model, "IfcRelAssignsToProduct"):
        product = attribute(relation, "RelatingProduct")
        for task in list_at(relation, "RelatedObjects") if product is not None else []:
            if task.id() in known:
                yield _task_tie(task, product)
    for relation in every(model, "IfcRelAssignsToProcess"):
        task = attribute(relation, "RelatingProcess")
        if task is not None and task.id() in known:
            for product in list_at(relation, "RelatedObjects"):
                yield _task_tie(task, product)


def _task_tie(task: Any, product: Any) -> Tie:
    role = text_at(task, "PredefinedType")
    kind = "removes" if role in _ENDING else "builds" if role in _BUILDING else "works-on"
    return Tie(task.id(), kind, product.id(), role if role not in ("NOTDEFINED", "USERDEFINED") else "")


def _date_elements(schedule: Schedule) -> None:
    """Set when elements are there (after the last task that builds them) and gone (the first that removes them)."""
    finishes: dict[str, dict[int, list[dt.datetime]]] = {"builds": defaultdict(list), "removes": defaultdict(list)}
    for tie in schedule.ties:
        finish = schedule.columns.get(tie.source, {}).get("finish")
        if tie.kind in finishes and finish is not None:
            finishes[tie.kind][tie.target].append(finish)
    schedule.built = {number: max(times) for number, times in finishes["builds"].items()}
    schedule.removed = {number: min(times) for number, times in finishes["removes"].items()}
