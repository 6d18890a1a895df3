"""Patterns against the C library's own fnmatch(3)."""

import random

import pytest

from mozu.core.language.conditions import globs, pmatch
from tests.core.language.conditions.interpreter import fnmatch


def test_random_patterns_match_what_the_c_library_matches() -> None:
    chance = random.Random(7)
    wrong = []
    for _ in range(20_000):
        pattern = "".join(chance.choice("ab*?[]!^-\\/Aé") for _ in range(chance.randint(0, 8)))
        value = "".join(chance.choice("ab/.-[]\\!^Aé") for _ in range(chance.randint(0, 6)))
        for fold in (False, True):
            expected = fnmatch(pattern.encode(), value.encode(), 16 if fold else 0)
            if expected != globs.matcher(pattern, fold)(value):
                wrong.append((pattern, value, fold, expected))

    assert [] == wrong


@pytest.mark.parametrize(
    "name", ["alnum", "alpha", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space"]
)
def test_named_classes_hold_what_the_c_library_says(name: str) -> None:
    pattern = f"[[:{name}:]]"
    values = [chr(code) for code in range(1, 128)]

    expected = [value for value in values if fnmatch(pattern.encode(), value.encode())]

    assert expected == [value for value in values if globs.matcher(pattern)(value)]


def test_a_pattern_of_many_stars_does_not_blow_up() -> None:
    assert not globs.matcher("*a" * 30 + "*b")("a" * 20_000)
    assert not pmatch.matcher(["/" + "*a" * 30 + "*b"])("/" + "a" * 20_000)


@pytest.mark.parametrize(
    ("paths", "value", "expected"),
    [
        (["/var"], "/var", True),
        (["/var"], "/var/log", True),
        (["/var"], "/variable", False),
        (["/var"], "var/log", True),
        (["var/"], "/var//log/", True),
        (["/"], "", True),
        (["/"], "anything", True),
        (["/var"], "", False),
        (["/home/*/.ssh"], "/home/u/.ssh/id", True),
        (["/home/*/.ssh"], "/home/u/v/.ssh/id", False),
        (["/home/*"], "/home", False),
        (["/a/[!x]"], "/a//b", True),
        (["/a/[!x]c"], "/a/", False),
        (["/a/?"], "/a/b/c", True),
        ([], "/a", False),
    ],
)
def test_pmatch_compares_component_by_component(paths: list[str], value: str, expected: bool) -> None:
    assert expected == pmatch.matcher(paths)(value)
    assert expected == pmatch.matcher([*paths, *(f"/none/{number}" for number in range(1_000))])(value)
