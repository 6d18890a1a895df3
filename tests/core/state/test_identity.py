"""The identity of a process: its pid and its start since the boot, to the precision of /proc."""

import pytest

from mozu.core.common.boot_clock import TICK
from mozu.core.state.identity import same_process
from mozu.core.testing import process

EXACT = 812 * TICK + 3_141_592
ROUNDED = 812 * TICK


@pytest.mark.parametrize(
    ("pid", "start", "same"),
    [
        (100, EXACT, True),
        (100, ROUNDED, True),
        (100, EXACT + 1, False),  # the number was reused within the same hundredth of a second
        (100, ROUNDED - TICK, False),
        (100, ROUNDED + TICK, False),
        (100, 0, False),
        (101, EXACT, False),
    ],
)
def test_a_process_is_its_pid_and_its_start(pid: int, start: int, same: bool) -> None:
    """Check that the wall clock has no effect, however far apart the two starts are on it."""
    assert same is same_process(process(100, start=1, boot_start=EXACT), pid, start)


def test_a_process_whose_start_is_not_known_is_none_that_has_one() -> None:
    assert not same_process(process(100), 100, EXACT)
    assert not same_process(process(100), 100, 0)
