"""Topics go out as BCF 3.0 and come back the same; broken and hostile files end in one sentence."""

from __future__ import annotations

import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from bcf.v3.bcfxml import BcfXml
from hypothesis import given, settings
from hypothesis import strategies as st

from bim.bcf import Comment, Topic, Viewpoint, read_bcf, topics_of, write_bcf
from scenes import LoadError, MissingSourceError, PackageError, Problem

GUIDS = ("2YvctVUKr0kugbFTf53O9L", "0avctVUKr0kugbFTf53O9L")
DAY = datetime(2026, 5, 4, 10, 30, tzinfo=UTC)
VIEW = Viewpoint(
    (354_010.5, 3_457_020.25, 30.0),
    (0.6, 0.8, 0.0),
    selected=GUIDS,
    hidden=GUIDS[:1],
    planes=(((0.0, 0.0, 5.0), (0.0, 0.0, 1.0)),),
    snapshot=b"\x89PNG\r\n\x1a\npicture",
)
TOPIC = Topic(
    "墙体碰撞 Clash",
    "planner@example.org",
    "The pipe goes through the wall.",
    "Clash",
    "Open",
    "High",
    "engineer@example.org",
    ("structure", "pipes"),
    DAY,
    (Comment("Move the pipe.", "engineer@example.org", DAY),),
    (VIEW, Viewpoint(view_height_m=12.0, field_of_view_deg=0.0)),
)


def test_topics_come_back_as_they_were_written(tmp_path: Path) -> None:
    path = write_bcf([TOPIC], tmp_path / "issues.bcf", "Town")
    assert read_bcf(path) == [TOPIC]


def test_the_library_of_others_reads_the_same(tmp_path: Path) -> None:
    with BcfXml.load(write_bcf([TOPIC], tmp_path / "issues.bcf", "Town")) as archive:
        assert archive.version.version_id == "3.0"
        (handler,) = archive.topics.values()
        (first, _) = handler.viewpoints.values()
        assert first.get_selected_guids() == list(GUIDS)
        assert archive.extensions.topic_types.topic_type == ["Clash"]


@settings(max_examples=15)
@given(title=st.text(st.characters(min_codepoint=32, exclude_categories=("Cs",)), min_size=1), count=st.integers(0, 3))
def test_any_title_survives(tmp_path_factory: pytest.TempPathFactory, title: str, count: int) -> None:
    path = tmp_path_factory.mktemp("bcf") / "a.bcf"
    topics = [Topic(title, "a@b.example", date=DAY) for _ in range(count)]
    found = sorted(read_bcf(write_bcf(topics, path)), key=lambda topic: topic.guid)
    assert [topic.title.split() for topic in found] == [title.split()] * count


def test_findings_become_topics() -> None:
    found = [Problem("error", f"{GUIDS[0]} IfcWall", "ids-requirement", "no fire rating", "add it")]
    (topic,) = topics_of([*found], "checker")
    assert topic.viewpoints[0].selected == GUIDS[:1]
    assert topic.labels == ("ids-requirement",)
    assert topics_of([Problem("warning", "model.ifc", "georeference-missing", "lies nowhere")], "c")[0].viewpoints == ()


def test_broken_and_hostile_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.bcf"
    with pytest.raises(MissingSourceError):
        read_bcf(path)
    path.write_bytes(b"no zip at all")
    with pytest.raises(LoadError, match="is no BCF file"):
        read_bcf(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("bcf.version", "<!DOCTYPE x [<!ENTITY a 'b'>]><Version/>")
    with pytest.raises(LoadError, match="declares entities"):
        read_bcf(path)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("big.bin", b"\0" * (2 << 20))
    monkeypatch.setattr("bim.bcf._LARGEST", 1 << 20)
    with pytest.raises(LoadError, match="zip bomb"):
        read_bcf(path)
    with pytest.raises(PackageError, match="cannot be written"):
        write_bcf([TOPIC], tmp_path / "none" / "a.bcf")
