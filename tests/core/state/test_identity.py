"""Identity of a process: pid and start, within what the clocks can differ by."""

import pytest

from mozu.core.state.identity import PROCFS_TOLERANCE, SLEW_TOLERANCE, same_process
from mozu.core.testing import process

START = 1_700_000_000_000_000_000


@pytest.mark.parametrize(
    ("pid", "start", "tolerance", "same"),
    [
        (100, START, PROCFS_TOLERANCE, True),
        (100, START + PROCFS_TOLERANCE, PROCFS_TOLERANCE, True),
        (100, START - PROCFS_TOLERANCE - 1, PROCFS_TOLERANCE, False),
        (100, START + PROCFS_TOLERANCE + 1, SLEW_TOLERANCE, True),
        (100, START + SLEW_TOLERANCE + 1, SLEW_TOLERANCE, False),
        (101, START, SLEW_TOLERANCE, False),
    ],
)
def test_a_process_is_its_pid_and_its_start(pid: int, start: int, tolerance: int, same: bool) -> None:
    assert same is same_process(process(100, start=START), pid, start, tolerance)
