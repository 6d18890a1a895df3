"""The outcomes that a sink returns for its records; only those that the core knows count."""

from typing import Any

import pytest

from mozu.core.api import Rejected, Retry
from mozu.core.delivery.outcomes import checked_outcomes


def test_nothing_is_the_arrival_of_all() -> None:
    assert checked_outcomes(None, 3) is None


def test_each_record_has_an_outcome_of_its_own() -> None:
    found = [None, Retry(1), Retry(0.5), Rejected("too large")]
    assert found == checked_outcomes(tuple(found), 4)


@pytest.mark.parametrize(
    ("found", "named"),
    [("abc", "not str"), (b"abc", "not bytes"), (7, "not int"), ({None}, "not set"), (iter([None]), "iterator")],
)
def test_what_is_no_list_is_refused(found: Any, named: str) -> None:
    with pytest.raises(TypeError, match=named):
        checked_outcomes(found, 3)


@pytest.mark.parametrize("found", [[], [None], [None] * 3])
def test_another_number_of_outcomes_than_of_records_is_refused(found: list[None]) -> None:
    with pytest.raises(ValueError, match=f"{len(found)} outcomes for 2 records"):
        checked_outcomes(found, 2)


@pytest.mark.parametrize(
    ("outcome", "named"),
    [
        (True, "not bool"),
        ("rejected", "not str"),
        (Rejected(7), "Rejected\\(int\\)"),  # type: ignore[arg-type]  # as a plugin without types may
        (Retry("1"), "Retry\\(str\\)"),  # type: ignore[arg-type]  # as a plugin without types may
        (Retry(float("nan")), "Retry\\(float\\)"),
        (Retry(float("inf")), "Retry\\(float\\)"),
    ],
)
def test_what_is_no_outcome_is_refused(outcome: Any, named: str) -> None:
    with pytest.raises(TypeError, match=named):
        checked_outcomes([None, outcome], 2)
