import os
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.attached import interval, sample, served_by


def test_the_median_lies_between_values_that_chance_alone_does_not_pass() -> None:
    assert (50.0, 40, 60) == interval([*range(101)])
    assert (50.0, 40, 60) == interval([*range(60), *range(60, 101)][::-1])
    assert (2.0, 1, 3) == interval([1, 2, 3])


def test_a_request_is_as_many_writes_as_its_server_makes() -> None:
    read, write = os.pipe()
    try:
        before = {name: sample(name, [os.getpid()]) for name in ("nginx", "redis-server")}
        for _ in range(1000):
            os.write(write, b".")
        begun = time.process_time()
        while time.process_time() < begun + 0.05:
            pass  # what a task has run is counted by ticks of the scheduler's clock
        after = {name: sample(name, [os.getpid()]) for name in ("nginx", "redis-server")}
    finally:
        os.close(read)
        os.close(write)

    made = {name: after[name].requests - before[name].requests for name in before}
    assert 500 <= made["nginx"] < 600
    assert 1000 <= made["redis-server"] < 1100
    assert after["nginx"].cpu > before["nginx"].cpu


def test_a_server_is_what_this_process_has_started_and_what_that_has() -> None:
    # They sleep until they are ended below.
    worker = "import os, time; pid = os.fork(); print(pid, flush=True) if pid else None; time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", worker], stdout=subprocess.PIPE, text=True) as master:
        assert master.stdout is not None
        child = int(master.stdout.readline())
        try:
            name = Path(f"/proc/{child}/comm").read_text().strip()
            assert sorted([master.pid, child]) == sorted(pid for pid in served_by(name) if pid in (master.pid, child))
            assert served_by("nobody") == []
        finally:
            os.kill(child, 9)
            master.kill()
