"""The checks of a start: the same answer for `mozu check`, `mozu sinks check` and `mozu run`."""

import logging
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path

import pytest

from mozu.core.api import ChecksStart, Obstacle
from mozu.core.cli import invoke
from mozu.core.delivery.spool import OwedNumbers, Spool, SpoolUnusable
from mozu.core.runtime.config.recording import CaptureSettings
from mozu.core.runtime.preflight import Start, StartRefused, require, start
from mozu.core.runtime.run_file import RunFile, instance
from mozu.plugins.sources.ebpf import checks
from mozu.plugins.sources.ebpf.visibility import visibility
from tests.support.requirements import ROOT

BASE = "enrichers: []\nevaluators: []\nstate_dir: {folder}/state\n"


def config(folder: Path, text: str) -> Path:
    path = folder / "mozu.yaml"
    sources = "" if "sources:" in text else "sources: [{falco_http: {token: none, listen: '127.0.0.1:0'}}]\n"
    path.write_text(sources + BASE.format(folder=folder) + text)
    return path


Said = tuple[int, str]


@pytest.fixture
def say(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator["Commands"]:
    """Yield the commands; the root logger, which a run sends to stderr, is restored afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield Commands(tmp_path, capsys)
    root.handlers[:] = handlers
    root.setLevel(level)


class Commands:
    """The outputs of the three commands for one configuration."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self._capsys = folder, capsys

    def of(self, text: str, *command: str) -> Said:
        code = invoke([*command, "-c", str(config(self.folder, text))])
        found = self._capsys.readouterr()
        return code, found.out + found.err


def refused_by_all(say: Commands, text: str, reason: str) -> None:
    """Check that `run` and both checks refuse, with the same sentence."""
    for command in (("run",), ("check",), ("sinks", "check")):
        code, said = say.of(text, *command)
        assert (command, code, True) == (command, 1, reason in said), said


def test_a_prefix_of_captures_without_a_folder_refuses_the_start(say: Commands) -> None:
    text = f"capture: {{enabled: true, path_prefix: {say.folder}/none/c}}\nsinks: [stdout]\n"
    reason = f"capture.path_prefix: {say.folder}/none/c cannot be written, for {say.folder}/none is no directory"
    for command in ("run", "check"):
        code, said = say.of(text, command)
        assert (1, True) == (code, reason in said), said


def test_a_recording_without_a_folder_refuses_the_start(say: Commands) -> None:
    text = f"record: {{file: {say.folder}/none/r.jsonl.gz}}\nsinks: [stdout]\n"
    found = [say.of(text, command) for command in ("run", "check")]
    assert [1, 1] == [code for code, _ in found], found
    assert all("record.file: " in said and "is no directory: make it" in said for _, said in found)


def test_a_spool_that_cannot_be_used_refuses_the_start(say: Commands) -> None:
    (say.folder / "file").touch()
    spool = say.folder / "file/spool.db"
    text = f"sinks: [{{stdout: {{spool: {{path: {spool}}}}}}}]\n"
    refused_by_all(say, text, f"{spool} cannot be written: Not a directory; give `spool.path` a file where there is")


def test_a_spool_that_another_mozu_uses_refuses_the_start(say: Commands) -> None:
    spool = say.folder / "spool.db"
    text = f"sinks: [{{stdout: {{spool: {{path: {spool}}}}}}}]\n"
    with closing(OwedNumbers(spool)):
        refused_by_all(say, text, f"another mozu uses the spool {spool}; give each a `spool.path` of its own")
        with pytest.raises(SpoolUnusable, match="another mozu uses it"):
            OwedNumbers(spool)
    with closing(OwedNumbers(spool)):
        pass


HOLD = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.execute("PRAGMA locking_mode = EXCLUSIVE")
with db:
    db.execute("UPDATE meta SET value = value")
print(flush=True)
sys.stdin.read()
"""


@contextmanager
def held(spool: Path) -> Iterator[int]:
    """Yield the id of another process that keeps the lock of the database."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(spool)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process.pid
        process.communicate("")


def test_a_spool_whose_lock_another_process_holds_is_named_with_the_process(say: Commands) -> None:
    spool = say.folder / "spool.db"
    Spool(spool).close()
    text = f"sinks: [{{stdout: {{spool: {{path: {spool}}}}}}}]\n"
    with held(spool) as pid:
        refused_by_all(say, text, f"process {pid} holds the lock of the spool {spool}; let it end first")


LOOK = """
import pathlib, sys
from mozu.core.delivery.spool import spool_obstacles
print(spool_obstacles(pathlib.Path(sys.argv[1])))
"""


def test_looking_at_a_spool_changes_nothing_of_it(tmp_path: Path) -> None:
    spool = tmp_path / "spool.db"
    Spool(spool).close()
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    done = subprocess.run(
        [sys.executable, "-c", LOOK, str(spool)], capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
    )  # fmt: skip
    assert ("[]\n", before) == (done.stdout, {path.name: path.read_bytes() for path in tmp_path.iterdir()})


def test_a_file_that_may_not_be_written_fails_the_sink_and_warns_of_it_at_the_start(say: Commands) -> None:
    (say.folder / "file").touch()
    text = f"sinks: [{{file: {{id: archive, path: {say.folder}/file/alerts}}}}]\n"
    reason = f"{say.folder}/file/alerts cannot be written: Not a directory"
    assert (1, f"archive: FAILED: {reason}\n") == say.of(text, "sinks", "check")
    code, said = say.of(text, "check")
    assert (0, True) == (code, f": CONFIG_START_OBSTACLE: sink archive: {reason}\n" in said), said
    code, said = say.of(text, "run", "--duration", "0.1", "-o", "stop_deadline=0.5")
    assert (0, True) == (code, f"sink archive: {reason}; mozu keeps retrying" in said), said


def test_a_socket_where_nothing_listens_fails_the_sink(say: Commands) -> None:
    for sink in ("syslog", "journald"):
        text = f"sinks: [{{{sink}: {{path: {say.folder}/none}}}}]\n"
        code, said = say.of(text, "sinks", "check")
        assert (1, True) == (code, f"{sink}: FAILED: {say.folder}/none cannot be connected to: No such file" in said)


def test_a_receiver_of_syslog_that_is_not_there_fails_the_sink(say: Commands) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        text = f"sinks: [{{syslog: {{transport: tcp, host: 127.0.0.1, port: {port}}}}}]\n"
        assert (0, "syslog: ok: it would accept an alert\n") == say.of(text, "sinks", "check")
    code, said = say.of(text, "sinks", "check")
    assert (1, True) == (code, f"syslog: FAILED: 127.0.0.1, port {port}, cannot be reached: " in said)


def test_a_program_that_is_not_there_fails_the_sink(say: Commands) -> None:
    text = f"sinks: [{{program: {{command: [{say.folder}/none]}}}}]\n"
    code, said = say.of(text, "sinks", "check")
    assert (1, True) == (code, f"program: FAILED: the program {say.folder}/none is not there" in said)


def test_a_port_that_is_taken_refuses_the_start_unless_mozu_itself_has_it(say: Commands) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        listen = f"127.0.0.1:{server.getsockname()[1]}"
        text = f"sources: [{{falco_http: {{token: none, listen: '{listen}'}}}}]\nsinks: [stdout]\n"
        path = say.folder / "mozu.yaml"
        code, said = say.of(text, "check")
        assert (1, True) == (code, f"source falco_http: cannot listen on {listen}: Address already in use" in said)
        running = RunFile.claim(say.folder / "state/run", instance((str(path),)))
        assert running is not None
        running.begin("1")
        assert 0 == say.of(text, "check")[0], "mozu runs with this configuration"
        running.end()
        assert 1 == say.of(text, "check")[0]


def test_a_configuration_for_another_machine_is_checked_without_a_look_at_this_one(say: Commands) -> None:
    text = f"capture: {{enabled: true, path_prefix: {say.folder}/none/c}}\nsinks: [stdout]\n"
    assert 0 == say.of(text, "check", "--for-another-machine")[0]


class Broken(ChecksStart):
    def obstacles(self) -> list[Obstacle]:
        raise RuntimeError("oh")


def test_a_component_that_cannot_look_refuses_nothing() -> None:
    start = Start(components=[("sink a", Broken())])
    assert ["sink a: it cannot say what a start would find: RuntimeError: oh"] == [str(one) for one in start.findings()]
    require(start)


def test_every_reason_is_given_at_once(tmp_path: Path) -> None:
    class Shut(ChecksStart):
        def obstacles(self) -> list[Obstacle]:
            return [Obstacle("it is shut", refuses=True), Obstacle("it is dusty")]

    capture = CaptureSettings(enabled=True, path_prefix=tmp_path / "none/c")
    with pytest.raises(StartRefused) as refused:
        require(Start(components=[("source a", Shut())], capture=capture))
    assert ["capture.path_prefix", "source a"] == [line.partition(": ")[0] for line in str(refused.value).split("\n")]


EXEC = """
current-context: here
contexts: [{name: here, context: {cluster: c, user: u}}]
clusters: [{name: c, cluster: {server: "https://10.0.0.1:6443"}}]
users: [{name: u, user: {exec: {command: aws}}}]
"""


@pytest.mark.parametrize(
    ("kubeconfig", "reason"),
    [
        (None, "no service account in {folder}/account: run mozu in a pod that has one, or name a file as"),
        ("", "cannot be read: No such file or directory; name a file that mozu may read as `kubeconfig`"),
        (EXEC, "it has exec (a program that gives credentials), which is not supported: use a token, a token file or"),
    ],
    ids=["none", "missing", "exec"],
)
@pytest.mark.parametrize("command", [("check",), ("run", "--check")], ids=" ".join)
def test_credentials_for_kubernetes_that_cannot_be_used_are_said_before_a_start(
    say: Commands, command: tuple[str, ...], kubeconfig: str | None, reason: str
) -> None:
    file, setting = say.folder / "kubeconfig", f"service_account={say.folder}/account"
    if kubeconfig is not None:
        setting = f"kubeconfig={file}"
    if kubeconfig:
        file.write_text(kubeconfig)
    options = ("-o", "enrichers=[kubernetes]", "-o", f"enrichers.kubernetes.{setting}")
    code, said = say.of("sinks: [stdout]\n", *command, *options)
    expected = "enricher kubernetes: the Kubernetes API cannot be asked: "
    assert (0, True, True) == (code, expected in said, reason.format(folder=say.folder) in said), said


@pytest.mark.parametrize("command", [("check",), ("run", "--check")], ids=" ".join)
@pytest.mark.parametrize("source", ["syscalls", "ebpf", "ptrace: {command: [make]}"])
def test_a_pid_namespace_of_its_own_is_said_before_a_start_that_watches_the_machine(
    say: Commands, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...], source: str
) -> None:
    monkeypatch.setattr(start, "sees_all_processes", lambda: False)
    _, said = say.of(f"sources: [{source}]\nsinks: [stdout]\n", *command)
    assert ("Kubernetes: `hostPID: true`" in said) == (not source.startswith("ptrace")), said


def test_what_a_machine_shows_has_a_line_about_the_pid_namespace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "sees_all_processes", lambda: False)
    (found,) = [one for one in islice(visibility(), 3) if one.what == "processes older than mozu"]
    assert (False, True) == (found.seen, "hostPID: true" in found.why)
