"""Names for people, in English and Chinese, of what ties objects together, seen from either end."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

# kind: (out of the object, into it), each in English and Chinese.
RELATIONS: Mapping[str, tuple[tuple[str, str], tuple[str, str]]] = MappingProxyType(
    {
        "connects": (("Connects to", "连接到"), ("Connected from", "连接自")),
        "fills": (("Fills", "填充"), ("Filled by", "填充物")),
        "voids": (("Cut out of", "开洞于"), ("Openings", "洞口")),
        "joins": (("Joined to", "对接到"), ("Joined from", "对接自")),
        "bounds": (("Bounds", "围合"), ("Bounded by", "边界构件")),
        "covers": (("Covers", "覆盖"), ("Covered by", "覆盖层")),
        "member": (("Member of", "所属组"), ("Members", "成员")),
        "serves": (("Serves", "服务于"), ("Served by", "服务系统")),
        "referenced": (("Also in", "同时位于"), ("Also holds", "同时包含")),
        "controls": (("Controls", "控制"), ("Controlled by", "控制设备")),
        "positioned": (("Positioned along", "定位基准"), ("Positions", "被定位对象")),
        "interferes": (("Interferes with", "冲突对象"), ("Interferes with", "冲突对象")),
        "assigned": (("Assigned to", "分配给"), ("Assigned", "已分配")),
        "precedes": (("Before", "后续任务"), ("After", "前置任务")),
        "builds": (("Builds", "建造"), ("Built by", "建造任务")),
        "removes": (("Removes", "拆除"), ("Removed by", "拆除任务")),
        "works-on": (("Works on", "作业对象"), ("Worked on by", "作业任务")),
        "documented": (("Documents", "文档"), ("Documents for", "说明对象")),
        "approved": (("Approvals", "审批"), ("Approval of", "审批对象")),
        "constrained": (("Constraints", "约束"), ("Constrains", "约束对象")),
        "governed": (("Costs, permits and orders", "造价、许可与指令"), ("Applies to", "适用对象")),
        "actor": (("People and organizations", "参与人员与机构"), ("In charge of", "负责对象")),
        "related": (("Related to", "相关对象"), ("Related from", "关联自")),
        "same": (("Same as", "等同对象"), ("Same as", "等同对象")),
    }
)


def relation_titles(kind: str, *, outgoing: bool) -> dict[str, str]:
    """Return the names of a relation as an object at one of its ends has it; its own word for an unknown one.

    Examples
    --------
    >>> relation_titles("member", outgoing=False), relation_titles("feeds_into", outgoing=True)["en"]
    ({'en': 'Members', 'zh': '成员'}, 'Feeds into')
    """
    plain = kind.replace("_", " ").capitalize()
    ways = RELATIONS.get(kind, ((plain, plain), (f"{plain} (from)", f"{plain} · 反向")))
    english, chinese = ways[0 if outgoing else 1]
    return {"en": english, "zh": chinese}
