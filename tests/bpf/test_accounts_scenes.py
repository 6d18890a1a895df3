"""Accounts treat randomly drawn writers as they did before. After an intended change, run `python -m
tests.bpf.accounts_scenes`."""

import ctypes

import pytest

from tests.bpf.accounts_scenes import FILE, NAMES, described
from tests.support import golden

pytestmark = pytest.mark.live


@pytest.mark.parametrize("name", NAMES)
def test_of_drawn_writers_the_same_records_are_refused_and_the_same_is_charged(ring: ctypes.CDLL, name: str) -> None:
    assert golden.first_difference(golden.kept(FILE)[name], described(ring, name)) == ""
