"""The comparison itself reports every difference, and nothing else."""

from typing import Any

import pytest

from tests.oracle.compare import Difference, compare
from tests.oracle.report import Result, lines


def alert(rule: str = "r", time: str = "t1", output: str = "o", **fields: Any) -> dict[str, Any]:
    return {"rule": rule, "time": time, "output": output, "output_fields": fields}


def levels(expected: list[dict[str, Any]], found: list[dict[str, Any]]) -> list[tuple[int, str]]:
    return [(difference.level, difference.key) for difference in compare(tuple(expected), found)]


def test_equal_alerts_do_not_differ() -> None:
    assert levels([alert(a=1), alert("s")], [alert(a=1), alert("s")]) == []


@pytest.mark.parametrize(("expected", "found"), [([alert()], []), ([], [alert()])])
def test_an_alert_on_one_side_only_differs_as_a_whole(expected: Any, found: Any) -> None:
    assert levels(expected, found) == [(0, "")]


def test_the_same_rule_twice_for_one_event_is_counted() -> None:
    assert levels([alert(), alert()], [alert()]) == [(0, "")]


def test_another_order_is_a_difference() -> None:
    assert levels([alert("a"), alert("b")], [alert("b"), alert("a")]) == [(0, "order")]


def test_another_text_is_a_difference_of_the_second_level() -> None:
    assert levels([alert(output="x")], [alert(output="y")]) == [(1, "output")]


@pytest.mark.parametrize("other", [2, "1", 1.0, None, True])
def test_another_value_or_type_is_a_difference_of_the_third_level(other: Any) -> None:
    assert levels([alert(a=1)], [alert(a=other)]) == [(2, "a")]


def test_a_field_on_one_side_only_is_a_difference() -> None:
    assert levels([alert(a=1)], [alert(b=1)]) == [(2, "a"), (2, "b")]


def test_hostname_and_id_are_not_compared() -> None:
    assert levels([alert()], [{**alert(), "hostname": "h", "uuid": "u"}]) == []


def test_the_report_counts_what_agrees_what_has_a_cause_and_what_has_none() -> None:
    difference = Difference(2, "r", "t", "a", 1, 2)
    results = [
        Result("good", "theme", (), ()),
        Result("known", "theme", (difference,), ("a-cause",)),
        Result("bad", "theme", (difference,), ("",)),
    ]
    report = list(lines(results))
    assert report[-1] == "3 scenarios: 1 agree (33.3%), 1 differ by a documented cause, 1 without one"
    assert report[1].split() == ["theme", "3", "3", "3", "1"]
