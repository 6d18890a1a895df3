"""Numbers of the process."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mozu.core.runtime.operations.samples import cpu_wait


def test_the_wait_for_a_cpu_is_the_run_delay_in_seconds(tmp_path: Path) -> None:
    (tmp_path / "schedstat").write_text("9000000000 2500000000 17\n")
    assert 2.5 == cpu_wait(tmp_path / "schedstat")


@pytest.mark.parametrize("text", [None, "0 0 0\n"])
def test_a_kernel_that_does_not_count_the_wait_gives_none(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "schedstat").write_text(text)
    assert cpu_wait(tmp_path / "schedstat") is None


def test_the_wait_grows_while_the_main_thread_shares_a_cpu_with_a_process_that_is_busy() -> None:
    before = cpu_wait()
    if before is None:
        pytest.skip("this kernel does not count the wait for a CPU")
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as busy:
            try:
                while (cpu_wait() or 0.0) <= before:  # until the scheduler has run the other thread
                    pass
            finally:
                busy.kill()
    finally:
        os.sched_setaffinity(0, allowed)
