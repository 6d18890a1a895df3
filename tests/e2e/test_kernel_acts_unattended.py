"""`respond.on_death: go_on`: the kernel kills on when mozu has been killed, until the next run takes its place."""

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.support.bpf_fs import private_bpf_fs
from tests.support.requirements import ebpf
from tests.support.running import mozu_run

pytestmark = [pytest.mark.ebpf, pytest.mark.timeout(300)]

NAMES = ("marked", "second")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path.resolve()
    for name in NAMES:
        (found / name).write_text("secret")
    return found


@pytest.fixture
def through() -> Iterator[Sequence[str]]:
    ebpf()
    with private_bpf_fs() as command:
        yield command


def configured(folder: Path, *, on_death: str = "go_on", rules: Sequence[str] = NAMES[:1]) -> str:
    opens = "evt.type in (open, openat, openat2, creat) and fd.realpath ="
    written = [
        {"rule": name, "desc": name, "condition": f"{opens} {folder}/{name}", "output": "%proc.pid", "priority": "INFO"}
        for name in rules
    ]
    (folder / "rules.yaml").write_text(json.dumps(written))
    entries = {
        "state_dir": str(folder / "state"),
        "sources": [{"ebpf": {}}],
        "evaluators": [{"falco": {"rules": [str(folder / "rules.yaml")]}}],
        "sinks": ["stdout"],
        "respond": {"on_death": on_death, "per_minute": 100_000, "per_account": 100_000},
        "responders": [{"kill": {"rules": ["*"], "where": "kernel", "dry_run": False, "per_minute": 100_000}}],
    }
    (folder / "mozu.yaml").write_text(json.dumps(entries))
    return str(folder / "mozu.yaml")


def read(path: Path) -> tuple[int, bytes]:
    """Return the exit status of a process that reads a file, and the bytes that it had."""
    done = subprocess.run(["cat", path], capture_output=True, check=False)
    return done.returncode, done.stdout


KILLED, DONE = (-signal.SIGKILL, b""), (0, b"secret")


def responders(through: Sequence[str], verb: str, file: str) -> str:
    command = [*through, sys.executable, "-m", "mozu", "responders", verb, "-c", file]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_kills_go_on_without_mozu_and_are_reported_and_taken_over(folder: Path, through: Sequence[str]) -> None:
    file, marked = configured(folder), folder / "marked"
    with mozu_run(folder, "-c", file, through=through) as first:
        first.process.kill()
        first.process.wait()
        alone = [read(marked) for _ in range(3)]
        listed = responders(through, "list", file)

        with mozu_run(folder, "-c", file, through=through) as second:
            reported = second.wait_alert(
                lambda one: "while mozu did not run" in one["output"], "what was done meanwhile"
            )
            taken_over = read(marked)
            second.stop()
    stopped = read(marked)

    assert [KILLED] * 3 == alone
    assert "go on when mozu is killed" in listed
    assert ("marked", "acted 3 times while mozu did not run (kernel)") == (
        reported["output_fields"]["for_rule"], reported["output_fields"]["response"],
    )  # fmt: skip
    assert (KILLED, DONE) == (taken_over, stopped)


def test_at_no_moment_between_the_death_and_the_next_run_is_a_byte_read(folder: Path, through: Sequence[str]) -> None:
    file, marked = configured(folder), folder / "marked"
    found: list[tuple[int, bytes]] = []
    ends = threading.Event()

    def again_and_again() -> None:
        while not ends.is_set():
            found.append(read(marked))

    with mozu_run(folder, "-c", file, through=through) as first:
        reading = threading.Thread(target=again_and_again)
        reading.start()
        try:
            first.process.kill()
            first.process.wait()
            with mozu_run(folder, "-c", file, through=through) as second:
                second.wait_alert(lambda one: "while mozu did not run" in one["output"], "what was done meanwhile")
                ends.set()
                reading.join()
        finally:
            ends.set()
    assert {KILLED} == set(found), len(found)


def test_rules_that_have_changed_meanwhile_leave_nothing_of_the_old_ones(folder: Path, through: Sequence[str]) -> None:
    first_file = configured(folder, rules=NAMES)
    with mozu_run(folder, "-c", first_file, through=through) as first:
        first.process.kill()
        first.process.wait()
        before = [read(folder / name) for name in NAMES]
        with mozu_run(folder, "-c", configured(folder, rules=["second"]), through=through):
            after = [read(folder / name) for name in NAMES]

    assert ([KILLED, KILLED], [DONE, KILLED]) == (before, after)


def test_the_switch_ends_what_goes_on_without_mozu(folder: Path, through: Sequence[str]) -> None:
    file = configured(folder)
    with mozu_run(folder, "-c", file, through=through) as first:
        first.process.kill()
        first.process.wait()
        alone = read(folder / "marked")
        responders(through, "off", file)

    assert (KILLED, DONE) == (alone, read(folder / "marked"))
    assert "go on" not in responders(through, "list", file)


def test_it_ends_with_mozu_unless_it_is_reported_to_go_on(folder: Path, through: Sequence[str]) -> None:
    with mozu_run(folder, "-c", configured(folder, on_death="stop"), through=through) as first:
        acting = read(folder / "marked")
        first.process.kill()
        first.process.wait()
    assert (KILLED, DONE) == (acting, read(folder / "marked"))
