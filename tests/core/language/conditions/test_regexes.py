import pytest

from mozu.core.language.conditions.regexes import alternatives, matcher, problem_of, simpler


@pytest.mark.parametrize(
    "pattern", [r"\d", r"\w", r"\s", r"\b", r"\p{L}", r"\A", "(?:a)", "(?i)a", "(", "a{2,1}", "[a"]
)
def test_what_the_dialect_does_not_know_is_an_error(pattern: str) -> None:
    assert problem_of(pattern)


@pytest.mark.parametrize(
    ("pattern", "value", "expected"),
    [
        ("a.c", "abc", True),
        ("a.c", "xabc", False),
        ("a.c", "a\nc", False),
        ("^a$", "a", True),
        ("a$", "a\n", False),
        ("[[:digit:]]{2,3}", "12", True),
        ("a+?", "", True),
        ("x*+", "xxx", True),
        (r"\x41\.\t", "A.\t", True),
        ("(a|ab)(c|bcd)", "abcd", True),
        ("a\ufffd", "a\udcff", True),
        (".", "é", True),
    ],
)
def test_the_whole_value_must_match(pattern: str, value: str, expected: bool) -> None:
    assert "" == problem_of(pattern)
    assert expected == matcher(pattern)(value)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("abc", "= abc"),
        ("^abc$", "= abc"),
        ("abc.*", "startswith abc"),
        (".*abc", "endswith abc"),
        (".*abc.*", "contains abc"),
        ("a.c", ""),
        (".*", ""),
        ("", ""),
    ],
)
def test_a_pattern_that_a_plain_operator_can_replace(pattern: str, expected: str) -> None:
    assert expected == simpler(pattern)


def test_many_texts_are_searched_at_once() -> None:
    found = alternatives([f"part{number}." for number in range(2000)] + ["é"])

    assert [True, True, False, True] == [found("xpart7.y"), found("part1999."), found("part2000."), found("\udcffé")]
