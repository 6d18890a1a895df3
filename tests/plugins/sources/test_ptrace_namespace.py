"""The source ptrace on a whole pid namespace: processes that are followed, others that are not, and none is broken."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from mozu.core.model.event import SyscallEvent
from mozu.plugins.sources.ptrace import event_queue
from mozu.plugins.sources.ptrace.event_queue import EventQueue
from tests.support.own_namespace import CONFIG, OWN_NAMESPACE, RULES, command, finished
from tests.support.requirements import root
from tests.support.tracing import environment, ordinary, place

JOINED = """
until grep -q 'watching .* event types' log && p=$(pgrep -f "$1 -m mozu run -c mozu.yaml" | tail -n 1); do
    sleep 0.1
done
exec nsenter --target "$p" --pid --mount sh -c '
    cd "$0"
    for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        ./joined -c "uname > /dev/null; exit 0"
        sleep 0.3
    done
' "$PWD"
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """Yield a directory with rules and a configuration, to which every user may write."""
    root("a pid namespace")
    with place() as found:
        found.chmod(0o777)
        (found / "rules.yaml").write_text(RULES)
        (found / "mozu.yaml").write_text(CONFIG.replace("[syscalls]", "[syscalls: {source: ptrace, fallback: none}]"))
        yield found


@pytest.mark.live
def test_a_program_that_gains_privilege_keeps_it_and_counts_as_not_followed(folder: Path) -> None:
    drop, interpreter = ordinary()
    program = folder / "set-uid-id"
    shutil.copy("/usr/bin/id", program)
    os.chown(program, 0, 0)
    program.chmod(0o4755)
    env = {**environment(folder), "ALSO": "./set-uid-id -u > who; ./set-uid-id -u -r >> who"}

    run = finished([*OWN_NAMESPACE, *drop, *command(interpreter)], folder, env)

    assert 0 == run.code, run.log
    assert "0\n65534\n" == (folder / "who").read_text()
    assert 1 == len(run.of("A child process"))


@pytest.mark.live
def test_processes_that_may_not_be_traced_are_counted(folder: Path) -> None:
    drop, interpreter = ordinary()
    beside = ["sh", "-c", 'sleep 600 & sleep 600 & "$@"', "sh"]

    run = finished([*OWN_NAMESPACE, *beside, *drop, *command(interpreter)], folder, environment(folder))

    assert 0 == run.code, run.log
    (refused,) = [text for text in run.source["not_seen"] if "may not be traced" in text]
    assert int(refused.split()[0]) >= 2


@pytest.mark.live
def test_a_process_that_enters_from_outside_is_found(folder: Path) -> None:
    interpreter = ordinary()[1]
    shutil.copy("/bin/sh", folder / "joined")
    env = {**environment(folder), "ALSO": "for n in $(seq 300); do grep -q by=joined alerts && break; sleep 0.1; done"}
    with subprocess.Popen(["sh", "-c", JOINED, "sh", interpreter], cwd=folder, stdout=subprocess.DEVNULL) as outside:
        run = finished([*OWN_NAMESPACE, *command(interpreter)], folder, env)
        outside.wait(60)

    assert 0 == run.code, run.log
    assert {"sh", "joined"} == {fields["proc.pname"] for fields in run.of("A child process")}


def test_a_queue_that_does_not_wait_drops_and_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_queue, "MAX_EVENTS", 2)

    async def filled() -> EventQueue:
        queue = EventQueue(asyncio.get_running_loop(), lossless=False)
        for name in ("openat", "execve", "openat", "openat"):
            queue.put(SyscallEvent("syscall", name, 0))
        return queue

    queue = asyncio.run(filled())

    assert (["openat", "execve"], {"openat": 2}) == ([one.type for one in queue.take(10)], dict(queue.lost))
    assert {"openat": 1, "execve": 1} == dict(queue.received)
