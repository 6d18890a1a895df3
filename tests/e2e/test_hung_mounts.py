"""A whole mozu beside a file system that does not answer: it starts and reloads as fast as without, and the names of
other containers' users are known."""

import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from mozu.core.cpu_wait import CpuWait
from tests.support.hung_files import hung_files
from tests.support.pod_cgroup import cgroup
from tests.support.requirements import ebpf
from tests.support.running import mozu_run

HUNG, TOLERANCE, ATTEMPTS = 9, 1.0, 3
Times = tuple[float, float]
"""Seconds of a start and of a reload."""
RULE = """
- rule: A marked file is opened
  desc: For the test.
  condition: evt.type in (open, openat) and fd.filename = marker and container.id != host
  output: "container=%container.id user=%user.name"
  priority: WARNING
"""
OPENS = """
import os, sys, time
folder = os.open(sys.argv[2], os.O_RDONLY)
os.chroot(sys.argv[1])
os.setgid(1000); os.setuid(1000)
print(flush=True)
while True:
    os.close(os.open("marker", os.O_RDONLY, dir_fd=folder))
    time.sleep(0.05)
"""
"""Program of a process in a container: it opens a file by the directory, so that its own root may be one that does not
answer.
"""

pytestmark = pytest.mark.ebpf


@contextmanager
def contained(full_id: str, before: Sequence[str], root: Path, folder: Path) -> Iterator[None]:
    """Run a process in a cgroup named like a container of docker's, which opens the marked file all the time."""
    with cgroup("docker", full_id) as place:
        command = ["sh", "-c", f'echo $$ > {place}/cgroup.procs; exec "$@"', "sh", *before]
        command += [sys.executable, "-c", OPENS, str(root), str(folder)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            try:
                yield
            finally:
                process.kill()


def test_users_of_other_containers_are_known_while_many_roots_do_not_answer(tmp_path: Path) -> None:
    ebpf()
    good, folder, rules = tmp_path / "good", tmp_path / "folder", tmp_path / "rules.yaml"
    (good / "etc").mkdir(parents=True)
    (good / "etc/passwd").write_text("ann:x:1000:1000::/home/ann:/bin/sh\n")
    folder.mkdir()
    (folder / "marker").touch()
    rules.write_text(RULE)
    (tmp_path / "hung").mkdir()
    with ExitStack() as hung:
        files = hung.enter_context(hung_files(tmp_path / "hung"))
        enter = ["nsenter", "-t", str(files.pid), "-m"]
        for number in range(HUNG):
            hung.enter_context(contained(f"{number:064x}", enter, tmp_path / "hung", folder))
        files.stop_answering()
        options = ("-o", "enrichers=[users]", "-o", "enrichment_buffer.seconds=5")
        with mozu_run(tmp_path, "-r", str(rules), *options) as mozu:
            mozu.wait_log("the users of container .* could not be read")
            before = len(mozu.alerts)
            with contained("f" * 64, (), good, folder):
                found = mozu.wait_alert(lambda one: "container=ffff" in one["output"], "the container", after=before)
            assert "user=ann" in found["output"]
            hung.close()  # a thread that waits for FUSE does not end before it is answered, and no process without it
            mozu.stop()


def test_a_start_and_a_reload_take_no_longer_beside_a_home_that_does_not_answer(tmp_path: Path) -> None:
    ebpf()
    before = during = (math.inf, math.inf)
    for number in range(ATTEMPTS):  # the machine may be busy with other things: the fastest of each counts
        place = tmp_path / str(number)
        place.mkdir()
        with ExitStack() as hung:
            files = hung.enter_context(hung_files(place))
            enter = ["nsenter", "-t", str(files.pid), "-m"]
            home = "mount -t tmpfs none /home && mkdir /home/eve && mount --bind $0 /home/eve"
            subprocess.run([*enter, "sh", "-c", home, str(place)], check=True)
            before = fastest(before, timed(tmp_path, enter, lambda: None))
            files.stop_answering()
            during = fastest(during, timed(tmp_path, enter, hung.close))
        print(f"start and reload: {before} s beside one that answers, {during} s beside one that does not", flush=True)
        if all(hanging <= answers + TOLERANCE for answers, hanging in zip(before, during, strict=True)):
            return
    pytest.fail(f"a start and a reload: {before} s beside one that answers, {during} s beside one that does not")


def fastest(one: Times, other: Times) -> Times:
    return min(one[0], other[0]), min(one[1], other[1])


def timed(folder: Path, enter: Sequence[str], end: Callable[[], None]) -> Times:
    """Return the seconds of a start and of a reload with mozu's own rules, without waits for a CPU. `end` is called
    before mozu stops.
    """
    began = time.monotonic()
    with mozu_run(folder, through=enter) as mozu:
        waits = CpuWait(mozu.process.pid)
        started = time.monotonic() - began - _waited(mozu.process.pid)
        began = time.monotonic()
        mozu.process.send_signal(signal.SIGHUP)
        mozu.wait_log("reloaded|nothing has changed")
        reloaded = time.monotonic() - began - waits.now()
        end()
        mozu.stop()
    return round(started, 2), round(reloaded, 2)


def _waited(pid: int) -> float:
    """Return the seconds that the thread that waited most has waited for a CPU since it began."""
    threads = Path(f"/proc/{pid}/task")
    return max(int((threads / one / "schedstat").read_text().split()[1]) for one in os.listdir(threads)) / 1e9
