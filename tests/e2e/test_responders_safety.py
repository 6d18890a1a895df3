"""What keeps a real run from acting, tried as its operator and as an attacker: the kill switch in each of its ways, dry
run until a reload, what mozu was started by, budgets of accounts."""

import json
import os
import re
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.test_responders import let_go, mozu
from tests.support.requirements import ebpf
from tests.support.running import Json, Running, mozu_run

pytestmark = [pytest.mark.ebpf, pytest.mark.timeout(300)]

OPENS = """
import os, sys
print("ready", flush=True)
sys.stdin.readline()
os.close(os.open(sys.argv[1], os.O_RDONLY))
sys.stdin.read()
"""
TOLD = ("Response taken", "Response would be taken", "Response refused", "Response failed")


def configure(folder: Path, *, dry_run: bool) -> Path:
    rule = {
        "rule": "trap", "desc": "d", "output": "%proc.pid", "priority": "WARNING", "mozu": {"respond": "kill"},
        "condition": f"evt.type in (open, openat, openat2) and fd.name = {folder}/trap",
    }  # fmt: skip
    (folder / "rules.yaml").write_text(json.dumps([rule]))
    entries = {
        "state_dir": str(folder / "state"),
        "sources": [{"ebpf": {}}],
        "enrichers": [],
        "evaluators": [{"falco": {"rules": [str(folder / "rules.yaml")]}}],
        "sinks": ["stdout"],
        "respond": {"per_account": 2},
        "responders": [{"kill": {"dry_run": dry_run, "per_minute": 100}}],
    }
    (folder / "mozu.yaml").write_text(json.dumps(entries))
    return folder / "mozu.yaml"


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """One that other users may search."""
    with tempfile.TemporaryDirectory(prefix="mozu-safety-", dir="/tmp") as place:
        made = Path(place)
        made.chmod(0o755)
        (made / "trap").touch()
        (made / "trap").chmod(0o644)
        yield made


@pytest.fixture(scope="module")
def running(folder: Path) -> Iterator[Running]:
    ebpf()
    with mozu_run(folder, "-c", str(configure(folder, dry_run=True))) as found:
        yield found
        found.stop()


@contextmanager
def opener(running: Running, folder: Path, user: int) -> Iterator[tuple["subprocess.Popen[str]", Json]]:
    """A process of this user that has opened the trap, and the alert about it."""
    before = len(running.alerts)
    command = ["/usr/bin/python3", "-c", OPENS, str(folder / "trap")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, user=user) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        let_go(process)
        found = running.wait_alert(
            lambda one: one["rule"] == "trap" and one["output"].endswith(f" {process.pid}"), "the trap", after=before
        )
        yield process, found
        process.communicate("", timeout=60)


def opened(running: Running, folder: Path, user: int) -> tuple[Json, int]:
    """What is said of such a process, and its exit status once it may end."""
    with opener(running, folder, user) as (process, first):
        told = running.wait_alert(
            lambda one: one["rule"] in TOLD and one["output_fields"]["alert"] == first["uuid"], "an end"
        )
    return told, process.returncode


def test_dry_run_until_a_reload_says_otherwise(running: Running, folder: Path) -> None:
    told, status = opened(running, folder, user=48_300)
    assert (told["rule"], status) == ("Response would be taken", 0)
    configure(folder, dry_run=False)
    running.process.send_signal(signal.SIGHUP)
    running.wait_log(r"reloaded")
    told, status = opened(running, folder, user=48_300)
    assert (told["rule"], status) == ("Response taken", -9)


def test_an_account_spends_its_own_budget(running: Running, folder: Path) -> None:
    ends = [opened(running, folder, user=48_301) for _ in range(3)]
    assert [status for _, status in ends] == [-9, -9, 0]
    assert "user 48301 has had its 2 acts" in ends[-1][0]["output"]
    told, status = opened(running, folder, user=48_302)
    assert (told["rule"], status) == ("Response taken", -9)


def switched(running: Running, word: str, after: int) -> None:
    running.wait_alert(
        lambda one: one["rule"] == "Responses switched" and one["output"].endswith(f"switched {word}"),
        word,
        after=after,
    )


@pytest.mark.parametrize("way", ["command", "signal", "file"])
def test_the_kill_switch(running: Running, folder: Path, way: str) -> None:
    before, off = len(running.alerts), folder / "state/responses/off"
    if way == "command":
        mozu("responders", "off", "-c", str(folder / "mozu.yaml"))
    elif way == "signal":
        running.process.send_signal(signal.SIGUSR2)
    else:
        off.touch()
    switched(running, "off", before)
    with opener(running, folder, user=48_310 + len(way)) as (spared, _):
        before = len(running.alerts)
        if way == "command":
            mozu("responders", "on", "-c", str(folder / "mozu.yaml"))
        else:
            off.unlink()
        switched(running, "on", before)
        told, status = opened(running, folder, user=48_310 + len(way))
    assert (told["rule"], status) == ("Response taken", -9)
    assert spared.returncode == 0


def test_what_mozu_was_started_by_is_not_killed(running: Running, folder: Path) -> None:
    before = len(running.alerts)
    os.close(os.open(folder / "trap", os.O_RDONLY))
    told = running.wait_alert(lambda one: one["rule"] in TOLD, "an end", after=before)
    assert told["rule"] == "Response refused"
    assert re.search(rf"process {os.getpid()} \(.*\) is one that mozu was started by", told["output"])
