"""Floods at a reduced length: reads of root beside floods of another user all raise their alert."""

import os

import pytest

from benchmarks.floods import FLOODS, NOBODY, Flood, beside, survive
from tests.support import requirements
from tests.support.requirements import program

pytestmark = [pytest.mark.ebpf, pytest.mark.skipif(os.geteuid() != 0, reason="needs root")]

READS = 40
SHOWN = ("opens, 2 processes", "opens, 50 processes in a session each", "a process that forks")


@pytest.mark.parametrize("flood", [one for one in FLOODS if one.name in SHOWN], ids=lambda one: one.name)
def test_no_read_of_root_is_lost_in_a_flood_of_another_user(flood: Flood) -> None:
    requirements.ebpf()
    program("gcc")

    found = survive(flood, seconds=4, reads=READS)

    assert READS == found.alerts["Shadow read"]
    assert {NOBODY} >= {one["user_uid"] for one in found.floods}
    assert found.over_share == 0 or found.floods


def test_busy_processes_lose_nothing_beside_one_that_floods() -> None:
    requirements.ebpf()
    program("gcc")

    made, found = beside(seconds=4, processes=100, rate=500)

    assert made == found.alerts["Counted"] > 0
