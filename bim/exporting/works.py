"""Plans, schedules and tasks: their times, and what is above what."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from bim.schedule import moment

if TYPE_CHECKING:
    from collections.abc import Mapping

_TIMES = {
    "planned_start": "ScheduleStart",
    "planned_finish": "ScheduleFinish",
    "actual_start": "ActualStart",
    "actual_finish": "ActualFinish",
}
_UNKNOWN_DATE = "1970-01-01T00:00:00"
_DAY_S = 86_400
_SAME_S = 0.002


def work_values(model: Any, ifc_class: str, columns: Mapping[str, Any], stated: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes of a plan, schedule or task that its columns give.

    Parameters
    ----------
    model
        The IFC model.
    ifc_class
        The class that it becomes.
    columns
        Attributes of the object in the scene.
    stated
        What is known of the entity already.
    """
    found: dict[str, Any] = {}
    if columns.get("identification"):
        found["Identification"] = str(columns["identification"])
    if ifc_class == "IfcTask":
        found |= {"IsMilestone": bool(columns.get("is_milestone"))}
        found |= {
            name: str(columns[column])
            for column, name in (("status", "Status"), ("work_method", "WorkMethod"))
            if columns.get(column)
        }
        time = _task_time(columns)
        if time:
            found["TaskTime"] = model.create_entity("IfcTaskTime", **time)
        return found
    start = _kept(stated.get("StartTime"), columns.get("start")) or _UNKNOWN_DATE
    found |= {"StartTime": start, "CreationDate": stated.get("CreationDate") or start}
    finish = _kept(stated.get("FinishTime"), columns.get("finish"))
    if finish:
        found["FinishTime"] = finish
    if columns.get("duration_d") is not None:
        found["Duration"] = duration_text(float(columns["duration_d"]))
    return found


def _kept(stated: Any, value: Any) -> str:
    """Return a time as it was stated, unless the column says another one."""
    known = moment(stated)
    same = known is not None and (value is None or abs((known - value).total_seconds()) < _SAME_S)
    return str(stated) if same else moment_text(value)


def moment_text(value: Any) -> str:
    """Return a moment as ISO 8601 in UTC, empty if it is none.

    Examples
    --------
    >>> moment_text(dt.datetime(2026, 3, 1, 8, tzinfo=dt.UTC))
    '2026-03-01T08:00:00+00:00'
    """
    if not isinstance(value, dt.datetime):
        return ""
    aware = value if value.tzinfo is not None else value.replace(tzinfo=dt.UTC)
    return aware.astimezone(dt.UTC).isoformat(timespec="milliseconds" if aware.microsecond else "seconds")


def duration_text(days: float) -> str:
    """Return a duration as ISO 8601.

    Examples
    --------
    >>> duration_text(1.5), duration_text(14.0), duration_text(0.0), duration_text(-2.0)
    ('P1DT12H', 'P14D', 'P0D', '-P2D')
    """
    whole, rest = divmod(round(abs(days) * _DAY_S), _DAY_S)
    hours, rest = divmod(rest, 3600)
    minutes, seconds = divmod(rest, 60)
    time = "".join(f"{value}{letter}" for value, letter in ((hours, "H"), (minutes, "M"), (seconds, "S")) if value)
    date = f"{whole}D" if whole or not time else ""
    return f"{'-' if days < 0 else ''}P{date}{'T' if time else ''}{time}"


def _task_time(columns: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {
        name: text for column, name in _TIMES.items() if (text := moment_text(columns.get(column)))
    }
    for column, early, others in (
        ("start", "EarlyStart", ("ScheduleStart", "ActualStart")),
        ("finish", "EarlyFinish", ("ScheduleFinish", "ActualFinish")),
    ):
        text = moment_text(columns.get(column))
        if text and text not in [found.get(each) for each in others]:
            found[early] = text
    for column, name in (("duration_d", "ScheduleDuration"), ("float_d", "TotalFloat")):
        if columns.get(column) is not None:
            found[name] = duration_text(float(columns[column]))
    if columns.get("completion") is not None:
        found["Completion"] = float(columns["completion"])
    if columns.get("is_critical") is not None:
        found["IsCritical"] = bool(columns["is_critical"])
    return found
