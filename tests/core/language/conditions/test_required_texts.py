"""Texts that are part of every match of a regular expression."""

import random
from collections import Counter
from typing import Final

import pytest
import re2

from mozu.core.language.conditions.regexes import _compile, _valid, matcher
from mozu.core.language.conditions.required_texts import required_texts


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("abc", ["abc"]),
        (".*abc.*", ["abc"]),
        ("ab.*cde.*f", ["cde"]),
        ("a(bc|de)f", ["bc", "de"]),
        ("(abc|x)yz", ["yz"]),
        (".*(stratum[+](tcp|ssl)|--coin[ =]).*", ["stratum+", "--coin"]),
        ("[[][a-z]*[]]", ["["]),
        ("(-[a-z]+ )*(/tmp|/var/tmp)/.*", ["/tmp", "/var/tmp"]),
        (r"\.ssh\/x", [".ssh/x"]),
        ("abc?d", ["ab"]),
        ("abc*d", ["ab"]),
        ("abc+d", ["abc"]),
        ("ab{2}c", ["ab"]),
        ("ab{0,2}c", []),
        ("(ab)?c+;", [";"]),
        ("(ab)+", ["ab"]),
        ("(ab|ab)c", ["ab"]),
        ("^ab$", ["ab"]),
        ("abécd", ["ab"]),
        ("[é]bc", ["bc"]),
        ("[[:alpha:]]xy", ["xy"]),
        ("[]a]xy", ["xy"]),
        ("[^]a]xy", ["xy"]),
        ("a++bc", ["bc"]),
        ("xab+*c", ["xa"]),
        # no required text, or one that is too common
        ("(.* )?(/|/etc)( .*)?", []),
        ("a.*", []),
        ("", []),
        (".*", []),
        ("a|.*", []),
        ("(a|b*)", []),
        (r"\x41bc", []),
        (r"[\n]bc", []),
        ("a{bc", []),
        ("|".join(f"word{number}" for number in range(17)), []),
        ("(" * 60 + "a" + ")" * 60, []),
    ],
)
def test_what_must_stand_in_a_match(pattern: str, expected: list[str]) -> None:
    assert expected == list(required_texts(pattern))


def test_many_alternatives_are_looked_for_up_to_a_number() -> None:
    pattern = "|".join(f"word{number}" for number in range(16))

    assert 16 == len(required_texts(pattern))
    assert [True, False] == [matcher(pattern)(value) for value in ("word15", "word16")]


_ATOMS: Final = (
    *("a", "ab", "ba", ";", "b", ".", "[ab]", "[.]", "[^a]"),
    *("[[:alpha:]]", "(a)", "(ab|b)", "(a|)", "(.*b|aa)", r"\.", "^", "$", "é"),
)
_VALUES: Final = ("a", "ab", "ab", "ba", ";", "b", ".", "é", "\udcff")
_COUNTS: Final = ("", "", "", "*", "+", "?", "{2}", "{0,1}", "{1,}", "+?")


def test_no_match_is_lost_fuzz() -> None:
    seen: Counter[tuple[bool, bool]] = Counter()
    chance = random.Random(1)
    for _ in range(12_000):
        pattern = "".join(chance.choice(_ATOMS) + chance.choice(_COUNTS) for _ in range(chance.randint(1, 6)))
        if chance.random() < 0.3:
            pattern += "|" + chance.choice(_ATOMS) + chance.choice(_COUNTS)
        try:
            whole = _compile(pattern).fullmatch
        except re2.error:
            continue
        matches = matcher(pattern)
        for _ in range(8):
            value = "".join(chance.choices(_VALUES, k=chance.randint(0, 5)))
            expected = whole(_valid(value)) is not None
            assert expected is matches(value), (pattern, value)
            seen[expected, bool(required_texts(pattern))] += 1
    assert min(seen[True, True], seen[False, True], seen[True, False]) > 200
