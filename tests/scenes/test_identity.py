"""A uid follows from dataset and source id alone, and two different objects never share one."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenes.identity import city_code_urn, derive_uid, derive_uids, is_city_code, is_uid

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
codes = st.builds(
    "{}{}{}".format,
    st.integers(110_000, 659_999),
    st.integers(0, 999_999).map("{:06d}".format),
    st.integers(0, 999_999_999).map("{:09d}".format),
)


@given(dataset=texts, ids=st.lists(texts, unique=True, max_size=20))
def test_every_object_has_its_own_well_formed_uid(dataset: str, ids: list[str]) -> None:
    uids = derive_uids(dataset, ids)
    assert len(set(uids)) == len(ids)
    assert all(is_uid(uid) for uid in uids)
    assert uids == [derive_uid(dataset, each) for each in ids]


@given(source=texts, one=texts, other=texts)
def test_two_datasets_never_share_a_uid(source: str, one: str, other: str) -> None:
    if one != other and not is_city_code(source):
        assert derive_uid(one, source) != derive_uid(other, source)


def test_another_process_derives_the_same() -> None:
    code = "from scenes.identity import derive_uid; print(derive_uid('lujiazui', 'way/44'))"
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    assert output == derive_uid("lujiazui", "way/44")


def test_the_uids_of_all_cities_stay_as_they_are() -> None:
    assert derive_uid("lujiazui", "way/44") == "urn:uuid:6186811f-8809-5ca2-a155-7adf14ede75c"


@given(code=codes)
def test_a_city_code_is_its_own_name_in_any_dataset(code: str) -> None:
    assert is_city_code(code)
    urn = city_code_urn(code)
    assert is_uid(urn)
    assert derive_uid("one", code) == derive_uid("other", code) == urn
    assert urn.endswith(code)


@given(text=texts)
def test_other_text_is_not_a_city_code(text: str) -> None:
    assert is_city_code(text) == (len(text) == 21 and text.isascii() and text.isdigit() and not text.startswith("00"))


@pytest.mark.parametrize("text", ["", "31011501010100000000", "3101150101010000000071", "00011501010100000000X"])
def test_a_wrong_code_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a 21-digit city resource code"):
        city_code_urn(text)


@pytest.mark.parametrize("text", ["", "urn:uuid:1", "310115010101000000007", "urn:cityobj:1:2", "urn:uuid:" + "g" * 36])
def test_other_text_is_not_a_uid(text: str) -> None:
    assert not is_uid(text)
