from typing import Any

import pytest

from mozu.core.language.conditions.transformers import function


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("tolower", "AÉb", "aÉb"),
        ("toupper", "aéb", "AéB"),
        ("tolower", ("A", "b"), ("a", "b")),
        ("tolower", None, None),
        ("basename", "/a/b", "b"),
        ("basename", "a/", ""),
        ("basename", "a", "a"),
        ("b64", "Y2F0", "cat"),
        ("b64", "Y2F0YQ", "cata"),
        ("b64", "Y2F0YQ==", "cata"),
        ("b64", "Y2F0Y", None),
        ("b64", "LS", None),
        ("b64", "Y2 F0", None),
        ("b64", "/w==", "\udcff"),
        ("b64", b"Y2F0", b"cat"),
        ("b64", ("Y2F0", "?"), None),
        ("len", "é", 2),
        ("len", "ab\0cd", 2),
        ("len", b"a\0b", 3),
        ("len", ("a", "b"), 2),
        ("len", (), 0),
        ("len", None, None),
    ],
)
def test_transformers_of_one_value(name: str, value: Any, expected: Any) -> None:
    assert expected == function(name)(value)


def test_a_missing_part_makes_the_whole_missing() -> None:
    assert ["ab", None] == [function("concat")("a", "b"), function("concat")("a", None)]
    assert ["a-b", None] == [function("join")("-", ("a", "b")), function("join")("-", None)]
    assert [("a",), None] == [function("()")("a"), function("()")("a", None)]


@pytest.mark.parametrize(
    ("words", "options", "expected"),
    [
        (("-a",), "a", ("a",)),
        (("-ab",), "ab", ("a", "b")),
        (("-abc",), "ab:", ("a", "b", "c")),
        (("-b", "x", "-a"), "ab:", ("b", "x", "a")),
        (("-b",), "b:", ("",)),
        (("-z",), "a", ("?",)),
        (("--long", "-a"), "a", ("a",)),
        (("-a", "--", "-b"), "ab", ("a",)),
        (("-a", "-", "-b"), "ab", ("a",)),
        (("-a", "", "-b"), "ab", ("a",)),
        (("-a", "word", "-b"), "ab", ("a",)),
        (("-b", ""), "b:", ("b", "")),
        ((), "a", ()),
    ],
)
def test_getopt_lists_options_with_their_values(
    words: tuple[str, ...], options: str, expected: tuple[str, ...]
) -> None:
    assert expected == function("getopt")(words, options)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("-b", "x", "-by"), "y"),
        (("-a",), None),
        (("-b",), ""),
        (("-zb", "v"), "v"),
    ],
)
def test_getopt_selects_the_last_value(words: tuple[str, ...], expected: str | None) -> None:
    assert expected == function("getopt", "b")(words, "ab:")


def test_getopt_selects_a_letter_without_value_as_itself() -> None:
    assert "a" == function("getopt", "a")(("-a",), "ab:")
