"""Safeguards that keep a real run from acting, tried as its operator and as an attacker: the kill switch in each of its
ways, dry run until a reload, the processes that started mozu, budgets of accounts.
"""

import os
import re
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.requirements import ebpf
from tests.support.responding import configured, in_folder, let_go, mozu, opener
from tests.support.running import Json, Running, mozu_run

pytestmark = [pytest.mark.ebpf, pytest.mark.timeout(300)]

REPORTED = ("Response taken", "Response would be taken", "Response refused", "Response failed")


WAYS = ("command", "signal", "file")
"""Ways to switch responses off. Each has its trap: an alert reports only the first of equal refusals within a
minute.
"""


def configure(folder: Path, *, dry_run: bool) -> Path:
    names = ("kill", *WAYS)
    responders = [{"kill": {"id": name, "dry_run": dry_run, "per_minute": 100}} for name in names]
    return configured(folder, in_folder(folder, names), responders, enrichers=[], respond={"per_account": 2})


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Yield a directory that other users may search."""
    with tempfile.TemporaryDirectory(prefix="mozu-safety-", dir="/tmp") as place:
        yield Path(place)


@pytest.fixture(scope="module")
def running(folder: Path) -> Iterator[Running]:
    ebpf()
    with mozu_run(folder, "-c", str(configure(folder, dry_run=True))) as found:
        yield found
        found.stop()


@contextmanager
def trapped(running: Running, folder: Path, user: int, trap: str) -> Iterator[tuple["subprocess.Popen[str]", Json]]:
    """Yield a process of this user that has opened the trap, and the alert about it."""
    before = len(running.alerts)
    with opener(folder / trap, user) as process:
        let_go(process)
        found = running.wait_alert(
            lambda one: one["rule"] == trap and one["output"].endswith(f" {process.pid}"), "the trap", after=before
        )
        yield process, found
        process.communicate("", timeout=60)


def opened(running: Running, folder: Path, user: int, trap: str = "kill") -> tuple[Json, int]:
    """Return the report about such a process, and its exit status when it may end."""
    with trapped(running, folder, user, trap) as (process, first):
        reported = answer(running, first)
    return reported, process.returncode


def answer(running: Running, first: Json) -> Json:
    """Return the notice about the response to this alert."""
    return running.wait_alert(
        lambda one: one["rule"] in REPORTED and one["output_fields"]["alert"] == first["uuid"], "an answer"
    )


def test_dry_run_until_a_reload_says_otherwise(running: Running, folder: Path) -> None:
    reported, status = opened(running, folder, user=48_300)
    assert (reported["rule"], status) == ("Response would be taken", 0)
    configure(folder, dry_run=False)
    running.process.send_signal(signal.SIGHUP)
    running.wait_log(r"reloaded")
    reported, status = opened(running, folder, user=48_300)
    assert (reported["rule"], status) == ("Response taken", -9)


def test_an_account_spends_its_own_budget(running: Running, folder: Path) -> None:
    ends = [opened(running, folder, user=48_301) for _ in range(3)]
    assert [status for _, status in ends] == [-9, -9, 0]
    assert "user 48301 has had its 2 acts" in ends[-1][0]["output"]
    reported, status = opened(running, folder, user=48_302)
    assert (reported["rule"], status) == ("Response taken", -9)


def switched(running: Running, word: str, after: int) -> None:
    running.wait_alert(
        lambda one: one["rule"] == "Responses switched" and one["output"].endswith(f"switched {word}"),
        word,
        after=after,
    )


@pytest.mark.parametrize("way", WAYS)
def test_the_kill_switch(running: Running, folder: Path, way: str) -> None:
    before, off = len(running.alerts), folder / "state/responses/off"
    if way == "command":
        mozu("responders", "off", "-c", str(folder / "mozu.yaml"))
    elif way == "signal":
        running.process.send_signal(signal.SIGUSR2)
    else:
        off.touch()
    switched(running, "off", before)
    with trapped(running, folder, user=48_310 + len(way), trap=way) as (spared, first):
        assert answer(running, first)["rule"] == "Response refused"
        before = len(running.alerts)
        if way == "command":
            mozu("responders", "on", "-c", str(folder / "mozu.yaml"))
        else:
            off.unlink()
        switched(running, "on", before)
        reported, status = opened(running, folder, user=48_310 + len(way), trap=way)
    assert (reported["rule"], status) == ("Response taken", -9)
    assert spared.returncode == 0


def test_what_mozu_was_started_by_is_not_killed(running: Running, folder: Path) -> None:
    before = len(running.alerts)
    os.close(os.open(folder / "kill", os.O_RDONLY))
    reported = running.wait_alert(lambda one: one["rule"] in REPORTED, "an end", after=before)
    assert reported["rule"] == "Response refused"
    assert re.search(rf"process {os.getpid()} \(.*\) is one that mozu was started by", reported["output"])
