"""Every rule has a meaning and advice in both languages, and every finding a Chinese sentence that is still said."""

from __future__ import annotations

import ast
import re
from fnmatch import fnmatchcase

import pytest

from bim.ids import IdsChecker
from scenes import CityTwinError, Problem, SimulationError
from scenes.checking import checkers
from scenes.validity import MEANINGS
from tests.twin.view.said import ROOT, Said
from twin.view.sentences import RULES, SENTENCES, error_in, in_both_languages, said_in, tell, text_in
from twin.view.sentences.gis import GEOS_SENTENCES
from twin.view.sentences.page import SYSTEM_SENTENCES

GAPS = re.compile(r"\{(\d*)\}")
CHINESE = re.compile(r"[\u4e00-\u9fff]")


@pytest.fixture(scope="module")
def said() -> Said:
    return Said(("scenes", "gis", "bim")).collect()


def kinds(error: type[CityTwinError]) -> set[str]:
    return {error.__name__}.union(*(kinds(each) for each in error.__subclasses__() if "." in each.__module__))


def rules(said: Said) -> set[str]:
    """Return every rule that the code can raise: those written down, and those that a name or a code makes."""
    unchecked = {f"{checker.name}-unchecked" for checker in [*checkers(), IdsChecker("x.ids")]}
    return {
        *(rule for rule in said.rules if "{}" not in rule),
        *(f"geometry-{code}" for code in MEANINGS),
        *unchecked,
        *kinds(CityTwinError),
    }


def test_the_code_says_enough_to_be_collected(said: Said) -> None:
    assert len(said.rules) > 150
    assert set(said.rules) >= {
        "height-missing",
        "ifc-guid",
        "cityjson-dangling",
        "shape-left-out",
        "stop-without-location",
    }
    open_ones = {rule for rule in said.rules if "{}" in rule}
    assert all(any(fnmatchcase(rule, one.replace("{}", "*")) for rule in RULES) for one in open_ones)


def test_every_rule_has_a_meaning_and_advice_in_both_languages(said: Said) -> None:
    missing = {rule: said.rules.get(rule, "made") for rule in rules(said) - set(RULES)}
    assert not missing, "write them down in twin/view/sentences/rules_*.py"
    for rule, (english, chinese) in RULES.items():
        assert all((*english, *chinese)), rule
        assert not any(map(CHINESE.search, english)), rule
        assert all(map(CHINESE.search, chinese)), rule


def test_no_rule_is_explained_that_nobody_raises(said: Said) -> None:
    assert set(RULES) - rules(said) == set()


def test_every_finding_has_a_chinese_sentence(said: Said) -> None:
    found = {**said.messages, **said.advice}
    texts = {text: where for text, where in found.items() if re.search(r"\w", GAPS.sub("", text))}
    missing = {text: where for text, where in texts.items() if text not in SENTENCES}
    assert not missing, "write them down in twin/view/sentences"


# Modules of the server whose errors end in a terminal or at another program: no page hears them.
NOT_HEARD = frozenset(
    {
        *("twin.app.server", "twin.app.city", "twin.app.demo", "twin.live.broker", "twin.live.datastreams"),
        *("twin.api.basemap_config", "twin.api.resolver", "twin.api.tiles"),
        *("twin.view.component", "twin.view.pyvista_scene", "twin.view.vtk_export", "twin.view.check_page"),
    }
)
# Modules below the server that answer questions of a page.
BELOW = frozenset({"scenes.model", "scenes.lookup", "scenes.index"})


def _feeds() -> dict[str, str]:
    """Return what feeds say of themselves: the last argument of each call of ``set_connected``."""
    found = {}
    for path in sorted((ROOT / "twin" / "live").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "set_connected":
                parts = node.args[1].values if isinstance(node.args[1], ast.JoinedStr) else [node.args[1]]
                text = "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in parts)
                found[text] = f"{path.name}:{node.lineno}"
    return found


def test_whatever_the_server_refuses_it_can_refuse_in_chinese() -> None:
    server = Said(tuple(f"twin/{room}" for room in ("view", "whatif", "api", "app", "live"))).collect()
    below = Said(("scenes",)).collect()
    assert len(server.what) > 100
    heard = {text: where for each in (server.what, server.do) for text, where in each.items()}
    heard = {text: where for text, where in heard.items() if where.rpartition(":")[0] not in NOT_HEARD}
    heard |= {
        text: where
        for each in (below.what, below.do)
        for text, where in each.items()
        if where.rpartition(":")[0] in BELOW
    }
    texts = {text: where for text, where in heard.items() if re.search(r"[a-z]", GAPS.sub("", text.replace("%s", "")))}
    missing = {text: where for text, where in texts.items() if text not in SENTENCES}
    assert not missing, "write them down in twin/view/sentences/page.py"


def test_what_feeds_say_of_themselves_has_chinese_words() -> None:
    feeds = _feeds()
    assert len(feeds) > 5
    assert {text for text in feeds if text != "{}" and said_in(text, "zh") == text} == set()
    status = {"feeds": [{"name": "rain", "message": "traffic.jsonl: the replay has ended"}], "time": 5}
    told = in_both_languages(status)
    assert told["feeds"][0]["messages"] == {"en": status["feeds"][0]["message"], "zh": "traffic.jsonl：回放已结束"}
    assert told["time"] == 5


def test_an_error_is_told_part_by_part() -> None:
    error = SimulationError("variant", "its title has 130 characters", "give 1 to 120")
    assert error_in(error, "zh") == "方案：名称有 130 个字符；请填写 1 至 120 个"
    assert error_in(error, "en") == str(error)
    unknown = SimulationError("mqtt://a:1", "something a plug-in says", "")
    assert error_in(unknown, "zh") == "mqtt://a:1：something a plug-in says"


def test_no_sentence_is_translated_that_nobody_says(said: Said) -> None:
    folders = ("scenes", "gis", "bim", "twin")
    files = [path for folder in folders for path in (ROOT / folder).rglob("*.py") if path.parent.name != "sentences"]
    nodes = (node for path in files for node in ast.walk(ast.parse(path.read_text("utf-8"))))
    words = "\n".join({node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)})
    ours = (
        set(SENTENCES)
        - set(GEOS_SENTENCES)
        - set(SYSTEM_SENTENCES)
        - {*said.messages, *said.advice, *said.what, *said.do}
    )
    assert {key for key in ours if not all(part.strip() in words for part in key.split("{}"))} == set()


def test_a_sentence_keeps_every_gap() -> None:
    for english, chinese in SENTENCES.items():
        count = len(GAPS.findall(english))
        numbers = [int(number) if number else place for place, number in enumerate(GAPS.findall(chinese))]
        assert sorted(numbers) == list(range(count)), english


def test_a_sentence_in_a_sentence_is_told_too() -> None:
    english = (
        "placed by the map conversion (EPSG:25832 457000.00, 5430000.00), confidence 0.91: it lies inside the scene; "
        "it is turned 12 degrees from the footprint"
    )
    assert text_in(english) == (
        "依据地图转换定位（EPSG:25832 457000.00, 5430000.00），可信度 0.91：位于场景之内；朝向与基底相差 12 度"
    )


@pytest.mark.parametrize("text", ["x" * 100_000, "(" * 3_000, "{} {} {}", "; ; ;", "is {0} m high; " * 500])
def test_a_text_that_nobody_knows_stands_behind_the_rule(text: str) -> None:
    told = tell(Problem("error", "a", "geometry-302", text, text), "zh")
    assert told.message == f"壳体未闭合（{text}）"
    assert told.advice == f"在数据源中修复（{text}）"
    assert tell(Problem("error", "a", "of-a-plugin", text), "zh").message == f"of-a-plugin（{text}）"
