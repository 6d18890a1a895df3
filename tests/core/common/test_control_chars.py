"""Control characters escaped, lines truncated."""

import re

from hypothesis import given
from hypothesis import strategies as st

from mozu.core.common.control_chars import single_line, truncate


@given(body=st.binary(max_size=300))
def test_property_any_body_becomes_one_line_of_valid_text(body: bytes) -> None:
    line = single_line(body)
    assert re.search("[\x00-\x1f\x7f-\x9f\u2028\u2029]", line.decode()) is None


@given(body=st.text(max_size=300), most=st.integers(30, 400))
def test_property_what_is_truncated_fits_and_is_still_text(body: str, most: int) -> None:
    shorter = truncate(body.encode(), most)
    kept = re.sub(r"\.\.\.\[cut \d+ bytes\]$", "", shorter.decode())
    assert len(shorter) <= most
    assert body.startswith(kept)
