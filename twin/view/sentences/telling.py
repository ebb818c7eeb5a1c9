"""From a finding to its sentence and its advice in the language of the reader."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from twin.view.sentences.bim import BIM_SENTENCES
from twin.view.sentences.errors import ERROR_SENTENCES
from twin.view.sentences.gis import GEOS_SENTENCES, GIS_SENTENCES
from twin.view.sentences.page import PAGE_SENTENCES, SYSTEM_SENTENCES
from twin.view.sentences.rules_bim import BIM_RULES
from twin.view.sentences.rules_gis import GIS_RULES
from twin.view.sentences.transit import TRANSIT_RULES, TRANSIT_SENTENCES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scenes import CityTwinError
    from scenes.problems import Problem

RULES: Mapping[str, tuple[tuple[str, str], tuple[str, str]]] = MappingProxyType(
    {**GIS_RULES, **BIM_RULES, **TRANSIT_RULES}
)
SENTENCES: Mapping[str, str] = MappingProxyType(
    {
        **SYSTEM_SENTENCES,
        **PAGE_SENTENCES,
        **GEOS_SENTENCES,
        **ERROR_SENTENCES,
        **GIS_SENTENCES,
        **TRANSIT_SENTENCES,
        **BIM_SENTENCES,
    }
)
LANGUAGES = ("en", "zh")
_GAP = "{}"
_LONGEST = 1_000
_JOINT = "; "


class Told(NamedTuple):
    """A finding in words: what is wrong, what to do, and where."""

    message: str
    advice: str
    place: str = ""


def language_of(environment: Mapping[str, str]) -> str:
    """Return the language that the variables of a locale ask for.

    Examples
    --------
    >>> language_of({"LANG": "zh_CN.UTF-8"}), language_of({"LC_ALL": "C", "LANG": "zh_CN.UTF-8"}), language_of({})
    ('zh', 'en', 'en')
    """
    names = ("LC_ALL", "LC_MESSAGES", "LANG")
    locale = next((environment[name] for name in names if environment.get(name)), "")
    return "zh" if locale.lower().startswith("zh") else "en"


def meaning(rule: str, language: str) -> Told:
    """Return what a rule means and what to do about it; the rule itself where nobody has written that down.

    Examples
    --------
    >>> meaning("geometry-103", "en").message, meaning("geometry-103", "zh").message
    ('a ring that is not closed', '环未闭合')
    """
    row = RULES.get(rule)
    return Told(rule, "") if row is None else Told(*row[LANGUAGES.index(language)])


def tell(problem: Problem, language: str) -> Told:
    """Return a finding in words; a sentence that is not known in the language stands behind what its rule means.

    Examples
    --------
    >>> from scenes import Problem
    >>> found = Problem("warning", "T1", "height-differs", "is 12.0 m higher than House 7 in the map", "look")
    >>> tell(found, "zh")
    Told(message='比地图中的 House 7 高 12.0 米', advice='核实哪一个是最新的（look）', place='')
    """
    general = meaning(problem.rule, language)
    if language == "en":
        return Told(problem.message, problem.advice or _useful(general.advice), problem.place)
    message, advice = text_in(problem.message), text_in(problem.advice)
    return Told(
        message or _behind(general.message, problem.message),
        advice or (_behind(general.advice, problem.advice) if problem.advice else _useful(general.advice)),
        text_in(problem.place) or problem.place,
    )


def said_in(text: str, language: str) -> str:
    """Return what a server says (``where: what; advice``) in a language, part by part; parts that are not known stay.

    Examples
    --------
    >>> said_in("tower-2: there is no such scenario; there are park", "zh")
    'tower-2：没有该方案；现有：park'
    >>> said_in("sunlight: was cancelled; start it again", "en")
    'sunlight: was cancelled; start it again'
    """
    if language == "en" or not text:
        return text
    for place in (found.end() for found in re.finditer(": ", text)):
        rest = text_in(text[place:])
        if rest:
            where = text[: place - 2]
            return f"{text_in(where) or where}：{rest}"
    return text_in(text) or text


def in_both_languages(status: Mapping[str, Any]) -> dict[str, Any]:
    """Return the status of feeds, as ``/live`` sends it, with the message of each in both languages."""
    feeds = [
        {**feed, "messages": {language: said_in(str(feed["message"]), language) for language in LANGUAGES}}
        for feed in status["feeds"]
    ]
    return {**status, "feeds": feeds}


def error_in(error: CityTwinError, language: str) -> str:
    """Return an error as one sentence in a language."""
    if language == "en":
        return str(error)
    where, what, advice = (text_in(part) or part for part in (error.where, error.what, error.advice))
    return f"{where}：{what}" + (f"；{advice}" if advice else "")


def _useful(advice: str) -> str:
    return "" if advice in ("nothing", "无需处理") else advice


def _behind(general: str, text: str) -> str:
    return f"{general}（{text}）" if text else general


@lru_cache(4_096)
def text_in(text: str) -> str:
    """Return an English sentence of ours in Chinese, empty where it is not known.

    Examples
    --------
    >>> text_in("its text is not UTF-8: read as GB 18030")
    '文本不是 UTF-8：按 GB 18030 读取'
    """
    if text in SENTENCES:
        return SENTENCES[text]
    if len(text) > _LONGEST:
        return ""
    for pattern, chinese in _patterns():
        found = pattern.fullmatch(text)
        if found is not None:
            parts = [text_in(part) or part for part in found.groups()]
            return chinese.format(*parts)
    parts = text.split(_JOINT)
    return "；".join(text_in(part) or part for part in parts) if len(parts) > 1 and any(map(text_in, parts)) else ""


@cache
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    """Return the sentences with gaps, those that say most by themselves first."""
    open_ones = sorted((key for key in SENTENCES if _GAP in key), key=lambda key: -len(key.replace(_GAP, "")))
    return [(re.compile("(.+?)".join(map(re.escape, key.split(_GAP))), re.DOTALL), SENTENCES[key]) for key in open_ones]
