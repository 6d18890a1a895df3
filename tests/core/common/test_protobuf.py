"""The wire format of protocol buffers."""

import pytest

from mozu.core.common.protobuf import data_of, decode, integer, text, text_field, texts


def test_a_text_comes_back() -> None:
    assert "web1" * 100 == text(decode(text_field(1, "web1" * 100)), 1)


def test_numbers_of_every_size_are_read() -> None:
    message = decode(b"\x08\xac\x02" + b"\x11" + b"8" * 8 + b"\x1d" + b"4" * 4)
    assert (300, b"8" * 8, b"4" * 4) == (integer(message, 1), data_of(message, 2), data_of(message, 3))


def test_a_map_is_a_list_of_pairs() -> None:
    pair = text_field(1, "app") + text_field(2, "web")
    assert {"app": "web"} == texts(decode(b"\x12" + bytes([len(pair)]) + pair), 2)


def test_a_field_that_is_absent_is_empty() -> None:
    assert ("", 0, {}) == (text({}, 1), integer({}, 1), texts({}, 1))


@pytest.mark.parametrize("data", [b"\x08", b"\x0a\x05ab", b"\x0b", b"\x08" + b"\xff" * 11, b"\x0d\x00"])
def test_what_is_no_message_is_an_error(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"message ends|wire type|ten bytes"):
        decode(data)
