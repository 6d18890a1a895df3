"""The number of bytes that may be written before accounts are charged for them."""

import pytest

from mozu.plugins.sources.ebpf.ring import ENTITLEMENT, TAB_PART, UNCHARGED, tabs_of_each_cpu


@pytest.mark.parametrize("ring_size", [8 << 20, 64 << 20])
@pytest.mark.parametrize(("cpus", "tabs"), [(1, 64), (2, 64), (4, 32), (16, 8), (64, 2), (128, 1), (1024, 1)])
def test_each_cpu_has_as_many_tabs_as_a_sixteenth_of_the_ring_buffer_has_room_for(
    ring_size: int, cpus: int, tabs: int
) -> None:
    owed = ring_size // ENTITLEMENT // TAB_PART
    assert tabs == tabs_of_each_cpu(ring_size, cpus)
    assert tabs == 1 or cpus * tabs * owed <= ring_size // UNCHARGED
