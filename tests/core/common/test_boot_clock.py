"""The clock since the boot, as the kernel's programs read it, from any time namespace."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mozu.core.common import boot_clock
from mozu.core.common.boot_clock import TICK, boot_time, both_clocks, namespace_offset, same_start, start_of_ticks

HOUR = 3600
SHOWS = """
import os
from mozu.core.common.boot_clock import boot_time, namespace_offset
from mozu.core.respond.process_facts import process_facts
print(namespace_offset(), boot_time(), process_facts(int(os.environ["MOZU_PARENT"])).start)
"""


def offsets(folder: Path, text: str, children: str = "time:[7]") -> Path:
    (folder / "ns").mkdir()
    (folder / "ns/time").symlink_to("time:[7]")
    (folder / "ns/time_for_children").symlink_to(children)
    (folder / "timens_offsets").write_text(text)
    return folder


@pytest.mark.parametrize(
    ("text", "children", "expected"),
    [
        ("monotonic           5         0\nboottime          3600       250\n", "time:[7]", 3_600_000_000_250),
        ("monotonic           0         0\nboottime            -2         0\n", "time:[7]", -2_000_000_000),
        ("monotonic           0         0\nboottime          3600         0\n", "time:[8]", 0),
    ],
)
def test_the_offset_of_a_time_namespace_is_its_own_and_not_that_of_its_children(
    tmp_path: Path, text: str, children: str, expected: int
) -> None:
    assert expected == namespace_offset(offsets(tmp_path, text, children))


def test_a_kernel_without_time_namespaces_has_no_offset(tmp_path: Path) -> None:
    assert 0 == namespace_offset(tmp_path)


def test_starts_are_compared_in_a_time_namespace_as_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    exact = 700 * TICK + 5
    for offset in (0, 3_333_333, -7):
        monkeypatch.setattr(boot_clock, "namespace_offset", lambda offset=offset: offset)
        shown = start_of_ticks((exact + offset) // TICK)
        assert same_start(exact, shown)
        assert not same_start(exact, shown + TICK)
        assert not same_start(exact + TICK, shown)


def test_two_clocks_between_which_the_thread_lost_its_processor_are_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter((1_000, 40_000_000, 50_000_000, 50_000_100))
    monkeypatch.setattr(boot_clock, "boot_time", lambda: next(moments))
    monkeypatch.setattr(time, "time_ns", lambda: 7)
    assert (7, 50_000_000) == both_clocks()


@pytest.mark.live
def test_a_process_in_another_time_namespace_counts_as_all_others_do() -> None:
    before = boot_time()
    words = ["unshare", "--time", "--boottime", str(HOUR), sys.executable, "-c", SHOWS]
    environment = {**os.environ, "MOZU_PARENT": str(os.getpid())}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=True)
    offset, now, start = map(int, done.stdout.split())

    assert HOUR * 1_000_000_000 == offset
    assert before < now < boot_time()
    assert 0 < start < time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    assert int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19]) * TICK == start
