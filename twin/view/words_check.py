"""Words of the report of `twin check`, in English and Chinese."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

WORDS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "en": {
            "tag": "en", "title": "Verification report", "sources": "Sources", "rules": "Rules", "meaning": "Meaning",
            "between": "Between the sources", "sound": "sound", "warnings": "warnings", "errors": "errors",
            "unreadable": "unreadable", "rule": "Rule", "error": "Error", "warning": "Warning", "info": "Note",
            "object": "Object", "place": "Place", "message": "Finding", "advice": "What to do", "objects": "objects",
            "none": "Nothing was found.", "severity": "Severity", "nothing": "nothing loaded",
            "joint": ", ", "break": "; ", "more": "... and {count} more of [{rule}]; --json lists them",
            "state": "{count} {state}",
        },
        "zh": {
            "tag": "zh-CN", "title": "数据核查报告", "sources": "数据源", "rules": "规则", "meaning": "含义",
            "between": "数据源之间", "sound": "合格", "warnings": "有警告", "errors": "有错误",
            "unreadable": "无法读取", "rule": "规则", "error": "错误", "warning": "警告", "info": "提示",
            "object": "对象", "place": "位置", "message": "问题", "advice": "处理建议", "objects": "个对象",
            "none": "未发现问题。", "severity": "级别", "nothing": "未加载", "joint": "，", "break": "；",
            "more": "……[{rule}] 另有 {count} 个；--json 全部列出", "state": "{count} 个{state}",
        },
    }
)  # fmt: skip
