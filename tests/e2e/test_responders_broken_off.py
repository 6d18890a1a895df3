"""Mozu killed in the middle of lasting acts: the next run repairs half-done ones, and reports that."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.support.docker import DockerEngine, docker
from tests.support.requirements import ROOT, ebpf, require
from tests.support.responding import configured, in_folder, let_go, opener
from tests.support.running import PATIENCE, Running, mozu_run

__all__ = ["docker"]

pytestmark = [pytest.mark.ebpf, pytest.mark.docker, pytest.mark.timeout(300)]

NAMES: Final = ("stop", "freeze", "isolate", "pause")
FREEZERS: Final = (Path("/sys/fs/cgroup/freezer"), Path("/sys/fs/cgroup"))
UID: Final = 48_231
"""User without any other process."""
Look = Callable[[], str]


def configuration(folder: Path, socket: Path) -> Path:
    traps = {name: f"{path}, /mozu-{name}" for name, path in in_folder(folder, NAMES).items()}
    own = {"freeze": {"what": "cgroup"}, "pause": {"docker": str(socket)}}
    return configured(folder, traps, [{name: {"dry_run": False, **own.get(name, {})}} for name in NAMES], enrichers=[])


@contextmanager
def doomed(path: Path, user: int | None = None) -> Iterator["subprocess.Popen[str]"]:
    """Run a process that is killed in the end: an act on it may last."""
    with opener(path, user) as process:
        yield process
        process.kill()


@contextmanager
def stopped(folder: Path, docker: DockerEngine) -> Iterator[tuple[Look, str, str]]:
    with doomed(folder / "stop") as process:
        let_go(process)
        stat = Path(f"/proc/{process.pid}/stat")
        yield lambda: stat.read_text().rpartition(")")[2].split()[0], "T", "S"


@contextmanager
def frozen(folder: Path, docker: DockerEngine) -> Iterator[tuple[Look, str, str]]:
    place = next(one for one in FREEZERS if one.is_dir()) / f"mozu-broken-off-{os.getpid()}"
    place.mkdir()
    file, words = place / "freezer.state", ("FROZEN", "THAWED")
    if not file.exists():
        file, words = place / "cgroup.freeze", ("1", "0")
    try:
        with doomed(folder / "freeze") as process:
            (place / "cgroup.procs").write_text(str(process.pid))
            let_go(process)
            yield lambda: file.read_text().strip(), *words
            file.write_text(words[1])  # a frozen process does not end
    finally:
        place.rmdir()


@contextmanager
def isolated(folder: Path, docker: DockerEngine) -> Iterator[tuple[Look, str, str]]:
    def tables() -> str:
        listed = subprocess.run(["nft", "list", "ruleset"], check=True, capture_output=True, text=True).stdout
        return "dropped" if f"skuid != {UID}" in listed else "sent"

    with doomed(folder / "isolate", user=UID) as process:
        let_go(process)
        yield tables, "dropped", "sent"


@contextmanager
def paused(folder: Path, docker: DockerEngine) -> Iterator[tuple[Look, str, str]]:
    made = docker.begin("sh", "-c", "cat /mozu-pause; sleep 1000")
    try:
        yield lambda: docker.docker("inspect", "--format", "{{.State.Status}}", made), "paused", "running"
    finally:
        docker.remove(made)


def until(look: Look, wanted: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while (found := look()) != wanted:
        assert time.monotonic() < deadline, f"{found} and not {wanted}"


def repaired(running: Running, name: str, look: Look, undone: str) -> None:
    running.wait_alert(
        lambda one: one["rule"] == "Response broken off" and one["output_fields"]["for_rule"] == name, name
    )
    until(look, undone)


@pytest.fixture
def folder() -> Iterator[Path]:
    """Yield a folder that every user can reach."""
    with tempfile.TemporaryDirectory(prefix="mozu-broken-off-", dir="/tmp") as place:
        yield Path(place)


def test_what_was_half_done_is_repaired_and_reported_by_the_next_run(folder: Path, docker: DockerEngine) -> None:
    ebpf()
    listed = subprocess.run(["nft", "list", "tables"], capture_output=True, check=False)
    require(listed.returncode == 0, "nft may not be used here")
    path = str(configuration(folder, docker.socket))
    through = (sys.executable, "-m", "tests.support.killed_at", "done")
    env = {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    half_done: list[tuple[str, Look, str]] = []
    with ExitStack() as victims:
        for name, made in zip(NAMES, (stopped, frozen, isolated, paused), strict=True):
            with mozu_run(folder, "-c", path, through=through, env=env) as running:
                if half_done:
                    repaired(running, *half_done[-1])
                look, done, undone = victims.enter_context(made(folder, docker))
                half_done.append((name, look, undone))
                assert running.process.wait(PATIENCE) == -9
                assert look() == done
        with mozu_run(folder, "-c", path) as last:
            repaired(last, *half_done[-1])
            last.stop()
    stages = [json.loads(line)["stage"] for line in (folder / "state/responses/audit.jsonl").read_text().splitlines()]
    assert stages == ["planned", "broken off"] * len(NAMES)
