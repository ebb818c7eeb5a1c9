"""What the sunlight simulation takes and gives, as plain data."""

# ruff: noqa: RUF001 - Chinese titles use full-width signs
from __future__ import annotations

from twin.whatif.protocol import Port, Spec
from twin.whatif.sunlight.rules import RULES

_HOURS = {"type": "number", "minimum": 0, "maximum": 24}
_RULE_TITLES = {
    "GB50180-dahan": {"en": "GB 50180: Great Cold, 8–16 h", "zh": "大寒日 8–16时（GB 50180）"},
    "GB50180-dongzhi": {"en": "GB 50180: winter solstice, 9–15 h", "zh": "冬至日 9–15时（GB 50180）"},
    "date": {"en": "A date of your own", "zh": "自选日期"},
}
_MEASURE_TITLES = {
    "total": {"en": "Total", "zh": "累计"},
    "longest": {"en": "Longest without a break", "zh": "最长连续"},
}

_INPUTS = (
    Port(
        "rule",
        "scalar",
        schema={"type": "string", "enum": [*RULES, "date"], "x-titles": _RULE_TITLES},
        titles={"en": "Rule", "zh": "日照标准日"},
        doc="GB50180-dahan: Great Cold, 8:00-16:00; GB50180-dongzhi: winter solstice, 9:00-15:00 (both true solar "
        "time, GB 50180-2018 table 4.0.9); date: a day of your own.",
        default="GB50180-dahan",
    ),
    Port(
        "date",
        "scalar",
        schema={"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$"},
        titles={"en": "Date", "zh": "日期"},
        doc="The day, YYYY-MM-DD, for rule 'date'.",
    ),
    Port(
        "start_h",
        "scalar",
        "time_of_day",
        "h",
        _HOURS,
        {"en": "From (true solar time)", "zh": "起始（真太阳时）"},
        "Start of the window in true solar time, for rule 'date'.",
        default=0,
    ),
    Port(
        "end_h",
        "scalar",
        "time_of_day",
        "h",
        _HOURS,
        {"en": "To (true solar time)", "zh": "结束（真太阳时）"},
        "End of the window in true solar time, for rule 'date'.",
        default=24,
    ),
    Port(
        "time_step_min",
        "scalar",
        "duration",
        "min",
        {"type": "number", "minimum": 0.5, "maximum": 60},
        {"en": "Time step", "zh": "时间间隔"},
        "Interval between two sun positions; use 1 min for a figure that is handed in, 5 min to explore.",
        default=5,
    ),
    Port(
        "resolution_m",
        "scalar",
        "length",
        "m",
        {"type": "number", "minimum": 0.25, "maximum": 50},
        {"en": "Façade sample spacing", "zh": "立面采样间距"},
        "Greatest distance between façade points; made coarser where `max_points` would be passed.",
        default=2,
    ),
    Port(
        "ground",
        "scalar",
        schema={"type": "boolean"},
        titles={"en": "Ground too", "zh": "包含地面"},
        doc="Whether the ground around the buildings is computed.",
        default=True,
    ),
    Port(
        "ground_resolution_m",
        "scalar",
        "length",
        "m",
        {"type": "number", "minimum": 0.5, "maximum": 100},
        {"en": "Ground sample spacing", "zh": "地面采样间距"},
        "Distance between ground points; made coarser where `max_points` would be passed.",
        default=4,
    ),
    Port(
        "ground_margin_m",
        "scalar",
        "length",
        "m",
        {"type": "number", "minimum": 0, "maximum": 1000},
        {"en": "Ground margin", "zh": "地面外扩"},
        "How far the ground grid reaches beyond the buildings.",
        default=20,
    ),
    Port(
        "sill_m",
        "scalar",
        "height",
        "m",
        {"type": "number", "minimum": 0, "maximum": 10},
        {"en": "Ground-floor sill height", "zh": "底层窗台高度"},
        "Height above the ground floor at which the rule is applied (0.9 m in GB 50180).",
        default=0.9,
    ),
    Port(
        "required_hours",
        "scalar",
        "sunlit_duration",
        "h",
        _HOURS,
        {"en": "Required hours", "zh": "标准日照时数"},
        "Hours that a building needs; without it 2 h on Great Cold, 1 h on the solstice, 1 h on another date.",
    ),
    Port(
        "measure",
        "scalar",
        schema={"type": "string", "enum": ["total", "longest"], "x-titles": _MEASURE_TITLES},
        titles={"en": "Measure", "zh": "计算方式（累计/连续）"},
        doc="total: all sunlit periods together (累计); longest: the longest period without a break (连续).",
        default="total",
    ),
    Port(
        "min_period_min",
        "scalar",
        "duration",
        "min",
        {"type": "number", "minimum": 0, "maximum": 120},
        {"en": "Shortest period that counts", "zh": "最小连续日照时段"},
        "Sunlit periods shorter than this do not count.",
        default=5,
    ),
    Port(
        "min_angle_deg",
        "scalar",
        "angle",
        "deg",
        {"type": "number", "minimum": 0, "maximum": 45},
        {"en": "Least angle to the wall", "zh": "最小扫掠角"},
        "Sun rays at less than this angle to a wall do not count; some cities ask for 15 deg.",
        default=0,
    ),
    Port(
        "area",
        "scalar",
        "bounds",
        "m",
        {"type": "array", "items": {"type": "number"}, "minItems": 4, "maxItems": 4},
        {"en": "Area", "zh": "计算范围"},
        "Local [min x, min y, max x, max y]: buildings with their centre inside; without it all of them.",
    ),
    Port(
        "uids",
        "scalar",
        schema={"type": "array", "items": {"type": "string"}, "minItems": 1},
        titles={"en": "Buildings", "zh": "建筑"},
        doc="Uids of the buildings to assess, each with all that is below it in the tree; without it all in the area. "
        "Everything else still casts shadows.",
    ),
    Port(
        "max_points",
        "scalar",
        schema={"type": "integer", "minimum": 1000, "maximum": 5_000_000},
        titles={"en": "Most sample points", "zh": "采样点上限"},
        doc="Upper limit of façade points, and of ground points.",
        default=250_000,
    ),
)


def _out(name: str, kind: str, unit: str, titles: tuple[str, str], doc: str, role: str = "") -> Port:
    """Return an output; the role ``technical`` marks a figure about the computation, which pages fold away."""
    schema = {"type": "string" if unit == "" else "number"} | ({"x-role": role} if role else {})
    return Port(
        name,
        kind,  # type: ignore[arg-type]
        unit=unit or "1",
        schema=schema,
        titles={"en": titles[0], "zh": titles[1]},
        doc=doc,
    )


_OUTPUTS = (
    _out(
        "sunlit_hours",
        "features",
        "h",
        ("Sunlit hours at the ground-floor sill", "底层窗台日照时数"),
        "Least hours along the ground-floor sill line of the main façade, the one whose sill line gets most sun.",
    ),
    _out(
        "facade_mean_hours",
        "features",
        "h",
        ("Mean sunlit hours of the façades", "立面平均日照时数"),
        "Mean over all façade points of a building, weighted by area.",
    ),
    _out(
        "facade_hours",
        "mesh",
        "h",
        ("Sunlit hours on façades", "立面日照时数"),
        "Hours on each façade cell: the measure that was chosen, total or longest.",
    ),
    _out(
        "ground_hours",
        "mesh",
        "h",
        ("Sunlit hours on the ground", "地面日照时数"),
        "Hours on each cell of open ground around the buildings.",
    ),
    _out("date", "scalar", "", ("Date", "日期"), "Civil date of the sun positions."),
    _out("window_h", "scalar", "h", ("Effective window", "有效日照时间带"), "Length of the time window."),
    _out("required_hours", "scalar", "h", ("Required", "标准时数"), "Hours that a building needs."),
    _out("buildings", "scalar", "1", ("Buildings assessed", "参评建筑数"), "Buildings with a ground-floor façade."),
    _out(
        "buildings_below", "scalar", "1", ("Buildings below the standard", "不满足标准建筑数"), "Below required hours."
    ),
    _out("facade_area_m2", "scalar", "m2", ("Façade area", "立面面积"), "Area of all sampled façades."),
    _out("facade_share_below", "scalar", "%", ("Façade area below", "不足立面占比"), "Area with fewer than required."),
    _out("facade_mean", "scalar", "h", ("Mean façade hours", "立面平均时数"), "Mean over all façade area."),
    _out(
        "resolution_used_m",
        "scalar",
        "m",
        ("Spacing used", "实际采样间距"),
        "Façade sample spacing after the limit.",
        "technical",
    ),
    _out("points", "scalar", "1", ("Sample points", "采样点数"), "Façade, sill and ground points.", "technical"),
    _out("rays", "scalar", "1", ("Rays", "光线数"), "Shadow rays traced.", "technical"),
    _out(
        "trace_s",
        "scalar",
        "s",
        ("Tracing time", "计算用时"),
        "Seconds from the first sun position to the last.",
        "technical",
    ),
)

SPEC = Spec(
    id="sunlight",
    version="1",
    titles={"en": "Sunlight hours", "zh": "日照分析"},
    description={
        "en": "Hours of direct sun on façades and ground, with the residential rule of GB 50180-2018.",
        "zh": "立面与地面的日照时数，按《城市居住区规划设计标准》GB 50180-2018 表 4.0.9 评价。",
    },
    inputs=_INPUTS,
    outputs=_OUTPUTS,
    engines=("pvlib", "embreex"),
    licence="BSD-3-Clause AND BSD-2-Clause",
    checks=("balance", "solar_noon", "open_sky"),
    reads=("buildings", "bim", "terrain", "generic"),
    valid_range="Years 1950 to 2050 and latitudes below 66 degrees; sun centre, no refraction, vegetation or glass.",
    cost="About 5 million rays a second on one core; rays = half the façade points times the sun positions.",
)
