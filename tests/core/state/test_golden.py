"""Whole histories: every field of every event and every change of every task is as recorded.

After an intended difference: `python -m tests.core.state.golden` (tests/data/README.md).
"""

import pytest

from tests.core.state.golden import CAPTURES, FAMILIES, INVENTED, RECORDINGS, SPARSE, difference
from tests.support.utc import utc

__all__ = ["utc"]


@pytest.mark.parametrize("name", INVENTED)
def test_invented_histories_show_and_change_what_they_did(name: str) -> None:
    assert difference("invented", name) == ""


@pytest.mark.parametrize("name", FAMILIES)
def test_families_of_processes_show_and_change_what_they_did(name: str) -> None:
    assert difference("families", name) == ""


@pytest.mark.parametrize("name", SPARSE)
def test_calls_with_parameters_that_are_missing_show_and_change_what_they_did(name: str) -> None:
    assert difference("sparse", name) == ""


@pytest.mark.parametrize("name", CAPTURES)
def test_captures_show_and_change_what_they_did(name: str) -> None:
    assert difference("captures", name) == ""


@pytest.mark.parametrize("name", RECORDINGS)
def test_recordings_of_live_sources_show_and_change_what_they_did(name: str) -> None:
    assert difference("recordings", name) == ""
