"""Shells whose standard input is a connection are seen, however the connection got there: live, traced and replayed."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest

from tests.support.replaying import replayed
from tests.support.requirements import ROOT, ebpf
from tests.support.running import Json, Running, mozu_run

pytestmark = pytest.mark.timeout(180)

RULES: Final = """
- rule: Shell on a connection
  desc: A shell whose commands come from the network.
  condition: evt.type = execve and proc.name = sh and proc.stdin.type = ipv4
  output: "%proc.args %proc.stdin.type %proc.stdin.name %proc.stdout.type %proc.stdout.name %proc.stderr.type"
  priority: WARNING
- rule: Read on a connection
  desc: What takes its commands from the network opens a file, and has executed nothing since.
  condition: evt.type in (open, openat) and proc.stdin.type = ipv4 and fd.name = /etc/hostname
  output: "%proc.args %proc.stdin.type %proc.stdin.name"
  priority: WARNING
"""
ACT: Final = r"""
import ctypes, fcntl, os, socket, sys
way, port = sys.argv[1], int(sys.argv[2])
call = ctypes.CDLL(None, use_errno=True).syscall
connection = socket.create_connection(("127.0.0.1", port))
fd = connection.fileno()
if way == "dup2":
    os.dup2(fd, 0)
elif way == "dup3":
    assert call(292, fd, 0, 0) == 0
elif way == "dup":
    os.close(0)
    assert call(32, fd) == 0
elif way == "fcntl":
    os.close(0)
    assert fcntl.fcntl(fd, fcntl.F_DUPFD, 0) == 0
elif way == "socket":
    os.close(0)
    connection = socket.create_connection(("127.0.0.1", port))
    assert connection.fileno() == 0
    os.set_inheritable(0, True)
elif way == "inherited":
    os.dup2(fd, 0)
    os.execv(sys.executable, [sys.executable, "-c", "import os; os.execv('/bin/sh', ['sh', '-c', 'true inherited'])"])
open("/etc/hostname").close()
os.execv("/bin/sh", ["sh", "-c", f"true {way}"])
"""
WAITING: Final = "import os, sys; os.read(int(sys.argv[1]), 1); os.execv('/bin/sh', ['sh', '-c', 'true waited'])"
WAYS: Final = ("dup2", "dup3", "dup", "fcntl", "socket", "inherited")
WITHOUT_EXEC: Final = ("dup2", "dup3", "dup", "fcntl")
SHELL, READ = "Shell on a connection", "Read on a connection"


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rules") / "rules.yaml"
    path.write_text(RULES)
    return path


@pytest.fixture(scope="module")
def far_end() -> Iterator[int]:
    """Yield the port of the side that would type the commands."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        yield port


def _of(alerts: list[Json], rule: str, way: str) -> list[Json]:
    """Return the fields of a way's alerts."""
    return [
        alert["output_fields"] for alert in alerts
        if alert["rule"] == rule and way in alert["output_fields"]["proc.args"].split()[-2:]
    ]  # fmt: skip


def _check(alerts: list[Json], way: str, port: int) -> None:
    (shell,) = _of(alerts, SHELL, way)
    assert shell["proc.stdin.name"].startswith("127.0.0.1:")
    assert shell["proc.stdin.name"].endswith(f"->127.0.0.1:{port}")
    assert ("ipv4", "file", "/dev/null") == tuple(
        shell[f"proc.{name}"] for name in ("stdin.type", "stdout.type", "stdout.name")
    )
    if way in WITHOUT_EXEC:
        (read,) = _of(alerts, READ, way)
        assert read["proc.stdin.name"] == shell["proc.stdin.name"]


def _act(way: str, port: int) -> list[str]:
    return [sys.executable, "-c", ACT, way, str(port)]


class Watched:
    """Alerts of eBPF about all ways, and the recording."""

    def __init__(self, alerts: list[Json], recording: Path) -> None:
        self.alerts, self.recording = alerts, recording


def _wait_shell(mozu: Running, way: str) -> None:
    mozu.wait_alert(lambda alert: bool(_of([alert], SHELL, way)), f"the shell by {way}")


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory, rules: Path, far_end: int) -> Watched:
    """Try every way under one run of mozu, and a process that had its connection before."""
    ebpf()
    folder = tmp_path_factory.mktemp("watched")
    recording = folder / "live.jsonl.gz"
    with closing(socket.create_connection(("127.0.0.1", far_end))) as connection:
        gate, key = os.pipe()
        waiting = subprocess.Popen(
            [sys.executable, "-c", WAITING, str(gate)], stdin=connection.fileno(), stdout=subprocess.DEVNULL,
            pass_fds=[gate],
        )  # fmt: skip
    try:
        with mozu_run(folder, "-r", str(rules), "--record", str(recording)) as mozu:
            for way in WAYS:
                subprocess.run(_act(way, far_end), stdout=subprocess.DEVNULL, check=True, timeout=60)
                _wait_shell(mozu, way)
            os.write(key, b"1")
            assert waiting.wait(60) == 0
            _wait_shell(mozu, "waited")
            mozu.stop()
    finally:
        waiting.kill()
        waiting.wait()
        os.close(gate)
        os.close(key)
    return Watched(mozu.alerts, recording)


@pytest.mark.ebpf
@pytest.mark.parametrize("way", [*WAYS, "waited"])
def test_under_ebpf(watched: Watched, far_end: int, way: str) -> None:
    _check(watched.alerts, way, far_end)


@pytest.mark.ebpf
@pytest.mark.parametrize("way", [*WAYS, "waited"])
def test_in_the_recording_of_ebpf(watched: Watched, rules: Path, far_end: int, way: str) -> None:
    _check(replayed(watched.recording, rules), way, far_end)


@pytest.mark.parametrize("way", WAYS)
def test_under_ptrace_and_in_its_recording(tmp_path: Path, rules: Path, far_end: int, way: str) -> None:
    recording, report = tmp_path / "traced.jsonl.gz", tmp_path / "report.json"
    options = ["-r", str(rules), "--record", str(recording), "--report", f"json:{report}"]
    done = subprocess.run(
        [sys.executable, "-m", "mozu", "trace", *options, "--", *_act(way, far_end)],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")}, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    _check(json.loads(report.read_text())["alerts"], way, far_end)
    _check(replayed(recording, rules), way, far_end)
