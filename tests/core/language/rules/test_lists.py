import json

import pytest

from mozu.core.language.rules.lists import MOST, Lists, TooLong
from mozu.core.language.rules.problem import ItemRefused, file_context
from mozu.core.language.rules.source import SourceFile
from mozu.core.language.rules.store import ListInfo
from tests.core.language.rules.pairing import pairs


def _lists(items: dict[str, list[str]]) -> Lists:
    context = file_context(SourceFile("test.yaml"))
    return Lists(
        {name: ListInfo(name, context, tuple(given), at, at) for at, (name, given) in enumerate(items.items())}
    )


@pytest.mark.parametrize(("given", "expected"), pairs("lists.txt"))
def test_lists_are_filled_in_as_the_language_says(given: str, expected: str) -> None:
    *definitions, text = given.splitlines()
    items = {line.partition(": ")[0]: json.loads(line.partition(": ")[2]) for line in definitions}

    filled, _ = _lists(items).fill(text.removeprefix("> "))

    assert expected == filled


def test_the_names_of_the_lists_that_were_filled_in_are_reported() -> None:
    lists = _lists({"a": ["b"], "b": ["1"], "c": ["2"]})

    _, used = lists.fill("x in (a)")

    assert frozenset({"a", "b"}) == used


def test_a_place_in_the_filled_text_leads_back_to_the_text_as_written() -> None:
    lists = _lists({"a": ["one", "two"], "empty": []})
    text = "x in (a, empty, y) and bad"
    filled, _ = lists.fill(text)

    origin, _ = lists.origin(text, filled.index("bad"))

    assert text.index("bad") == origin


def test_a_place_inside_a_filled_list_leads_back_to_its_name() -> None:
    lists = _lists({"a": ["one", "two"]})
    text = "x in (a)"
    filled, _ = lists.fill(text)

    found = lists.origin(text, filled.index("two"))

    assert (text.index("a)"), "a") == found


def test_lists_of_lists_of_lists_end_as_an_error_and_not_as_a_full_memory() -> None:
    doubling = {f"l{depth}": [f"l{depth + 1}"] * 10 for depth in range(12)}

    with pytest.raises(TooLong):
        _lists({**doubling, "l12": ["x"]}).fill("f in (l0)")


def test_a_list_that_grows_beyond_the_bound_through_another_is_refused() -> None:
    with pytest.raises(ItemRefused, match=f"{MOST:,}"):
        _lists({"big": ["x" * 1000] * 1000, "bigger": ["big"] * 10})
