"""Names of the columns that building models bring, in English and Chinese."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

BIM_COLUMNS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "storey": ("Storey", "楼层"), "description": ("Description", "描述"), "tag": ("Tag", "标记"),
        "object_type": ("Object type", "对象类型"), "long_name": ("Long name", "全名"),
        "predefined_type": ("Predefined type", "预定义类型"), "type_name": ("Type", "类型"),
        "classification": ("Classification", "分类编码"), "fire_rating": ("Fire rating", "耐火等级"),
        "load_bearing": ("Load bearing", "承重"), "is_external": ("External", "外部构件"),
        "place_unknown": ("Place unknown", "位置未知"),
        "status": ("Status", "状态"), "system": ("System", "系统"), "zone": ("Zone", "分区"),
        "weight_kg": ("Weight", "重量"), "u_value_w_m2k": ("Thermal transmittance", "传热系数"),
        "bar_diameter_mm": ("Bar diameter", "钢筋直径"), "bar_length_m": ("Bar length", "钢筋长度"),
        "steel_grade": ("Steel grade", "钢筋牌号"), "text": ("Text", "文字"),
        "station_m": ("Station", "里程"), "start_station_m": ("Start station", "起点里程"),
        "end_station_m": ("End station", "终点里程"), "distance_along_m": ("Distance along", "沿线距离"),
        "start_radius_m": ("Start radius", "起点半径"), "end_radius_m": ("End radius", "终点半径"),
        "start_height_m": ("Start height", "起点高程"), "start_gradient": ("Start gradient", "起点坡度"),
        "end_gradient": ("End gradient", "终点坡度"), "start_cant_m": ("Start cant", "起点超高"),
        "end_cant_m": ("End cant", "终点超高"), "identification": ("Identification", "编号"),
        "work_method": ("Work method", "施工方法"), "start": ("Start", "开始时间"), "finish": ("Finish", "完成时间"),
        "planned_start": ("Planned start", "计划开始"), "planned_finish": ("Planned finish", "计划完成"),
        "actual_start": ("Actual start", "实际开始"), "actual_finish": ("Actual finish", "实际完成"),
        "duration_d": ("Duration", "工期"), "float_d": ("Total float", "总时差"),
        "completion": ("Completion", "完成比例"), "is_critical": ("Critical", "关键任务"),
        "is_milestone": ("Milestone", "里程碑"),
    }
)  # fmt: skip
