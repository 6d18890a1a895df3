"""Control characters escaped, lines truncated."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mozu.core.common.control_chars import single_line, truncate, visible


@given(body=st.binary(max_size=300))
def test_property_any_body_becomes_one_line_of_valid_text(body: bytes) -> None:
    line = single_line(body)
    assert re.search("[\x00-\x1f\x7f-\x9f\u2028\u2029]", line.decode()) is None


HIDDEN = (
    "\u202e",
    "\u2066",
    "\u200e",
    "\u061c",
    "\u200b",
    "\u200d",
    "\u2060",
    "\ufeff",
    "\u00ad",
    "\x9b",
    "\x1b",
    "\u2028",
)


@pytest.mark.parametrize("char", HIDDEN)
def test_what_reorders_or_hides_text_is_spelled_by_the_one_function_of_all_sinks(char: str) -> None:
    assert f"pay\\u{ord(char):04x}pal" == visible(f"pay{char}pal")


def test_a_tag_character_is_spelled_as_json_spells_it() -> None:
    shown = visible("\U000e0041")
    assert ("\\udb40\\udc41", "\U000e0041") == (shown, json.loads(f'"{shown}"'))


def test_what_a_reader_sees_stays() -> None:
    assert "naïve 漢字 \U0001f600\ufe0f" == visible("naïve 漢字 \U0001f600\ufe0f")


@given(body=st.text(max_size=300), most=st.integers(30, 400))
def test_property_what_is_truncated_fits_and_is_still_text(body: str, most: int) -> None:
    shorter = truncate(body.encode(), most)
    kept = re.sub(r"\.\.\.\[cut \d+ bytes\]$", "", shorter.decode())
    assert len(shorter) <= most
    assert body.startswith(kept)
