"""Kills in the kernel: a process that opens a marked file, connects to a marked port, runs a marked program, makes a
socket its standard input or attaches to a process gets nothing of it, by every entry path; other processes are left
alone. MOZU_KERNEL_KILLS=10000 makes the victims try as often as it was measured (docs/operate/responders.md).
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import pytest

from mozu.plugins.sources.ebpf import entry_paths, uring
from mozu.plugins.sources.ebpf.objects import codegen, kernel_features
from tests.support.build import compiled
from tests.support.entry_paths import entry_path
from tests.support.requirements import ebpf, require
from tests.support.responding import mozu
from tests.support.running import Json, Running, mozu_run

pytestmark = [pytest.mark.ebpf, pytest.mark.timeout(900)]

TRIES: Final = int(os.environ.get("MOZU_KERNEL_KILLS", "25"))
BUDGET: Final = 3
NO_REQUESTS: Final = ("exec", "dup", "trace")
"""Verbs that io_uring does not support."""
WAYS: Final = ("native", "32-bit program", "int 0x80 of a 64-bit program", "io_uring")


def conditions(folder: Path, port: int) -> dict[str, str]:
    opens = "evt.type in (open, openat, openat2, creat) and fd.realpath ="
    return {
        **{name: f"{opens} {folder}/{name}" for name in ("marked", "dry", "budget")},
        "connected": f"evt.type = connect and fd.sip = 127.0.0.1 and fd.sport = {port} and fd.l4proto = tcp",
        "executed": "evt.type in (execve, execveat) and evt.res = SUCCESS and "
        f"(proc.exepath = {folder}/dropped or proc.is_exe_from_memfd = true)",
        "copied": "evt.type in (dup, dup2, dup3) and evt.rawres in (0, 1, 2) and fd.type in (ipv4, ipv6)",
        "unsure": "evt.type = execve and evt.res = SUCCESS and proc.name = unsure",
        "attached": "evt.type = ptrace and evt.arg.request in (PTRACE_ATTACH, PTRACE_SEIZE) and evt.rawres = 0",
    }


def configuration(folder: Path, port: int) -> Path:
    acting_rules = ["marked", "connected", "executed", "copied", "attached"]
    rules = [
        {"rule": name, "desc": name, "condition": condition, "output": "%proc.pid", "priority": "WARNING"}
        for name, condition in conditions(folder, port).items()
    ]
    (folder / "rules.yaml").write_text(json.dumps(rules))
    for name in ("marked", "dry", "budget"):
        (folder / name).write_text("secret")
    (folder / "link").symlink_to("marked")
    shutil.copy("/bin/true", folder / "dropped")
    shutil.copy("/bin/sleep", folder / "unsure")
    shutil.copy(entry_path("native"), folder / "allowed")
    acting = {"where": "kernel", "dry_run": False}
    entries = {
        "state_dir": str(folder / "state"),
        "sources": [{"ebpf": {}}],
        "evaluators": [{"falco": {"rules": [str(folder / "rules.yaml")]}}],
        "sinks": ["stdout"],
        "respond": {
            "per_minute": 1_000_000, "per_account": 1_000_000, "allow": {"executables": [str(folder / "allowed")]},
        },
        "responders": [
            {"kill": {**acting, "rules": acting_rules, "per_minute": 1_000_000}},
            {"kill": {"id": "either", "where": "either", "dry_run": False, "rules": ["unsure"]}},
            {"kill": {"id": "dry", "where": "kernel", "rules": ["dry"]}},
            {"kill": {**acting, "id": "budget", "rules": ["budget"], "per_minute": BUDGET}},
        ],
    }  # fmt: skip
    (folder / "mozu.yaml").write_text(json.dumps(entries))
    return folder / "mozu.yaml"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("killing").resolve()


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Yield the port of a server that sends a byte on each connection."""
    with socket.create_server(("127.0.0.1", 0), backlog=1000) as server:
        threading.Thread(target=_serve, args=(server,), daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


def _serve(server: socket.socket) -> None:
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        with connection, suppress(OSError):
            connection.send(b"s")


@pytest.fixture(scope="module")
def sleeper() -> Iterator[int]:
    with subprocess.Popen(["sleep", "infinity"]) as process:
        yield process.pid
        process.kill()


@pytest.fixture(scope="module")
def acting(folder: Path, port: int) -> Iterator[Running]:
    ebpf()
    require(entry_paths.accepts_32_bit_calls(), "this kernel takes no 32-bit calls")
    reason = uring.why_not(codegen.read_types())
    require(not reason, reason)
    with mozu_run(folder, "-c", str(configuration(folder, port))) as running:
        yield running
        running.stop()


def opened(path: Path | str, way: str = "native", program: Path | None = None) -> int:
    """Return the exit status of a process that opens this file; 0 if the open returned to it."""
    return ended("read", path, way, program)


def ended(verb: str, argument: Path | str | int, way: str = "native", program: Path | None = None) -> int:
    """Return the exit status of a process that performs this verb."""
    command = program or entry_path(way)
    return subprocess.run([command, verb, str(argument)], check=False, timeout=60).returncode


def killed(*command: Path | str) -> int:
    """Run a command that is killed; return its pid."""
    with subprocess.Popen(command) as process:
        assert -signal.SIGKILL == process.wait(60)
    return process.pid


def taken(acting: Running, pid: int, after: int) -> Json:
    """Return the notice about the act on this process after the first `after` alerts: an earlier process may have had
    the same pid.
    """

    def is_it(one: Json) -> bool:
        return one["rule"] == "Response taken" and f"process {pid} " in one["output_fields"]["response"]

    return acting.wait_alert(is_it, "the notice", after=after)


def victims(way: str, path: Path | int, tries: int = TRIES) -> list[int]:
    """Return four counts: tries, calls that returned, tries in which any process had a byte, processes that were not
    killed.
    """
    command = [str(compiled("victim", "-pthread")), way, str(tries), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL)
    return [int(number) for number in done.stdout.split()]


@pytest.mark.parametrize("way", WAYS)
def test_no_open_of_a_marked_file_comes_back(acting: Running, folder: Path, way: str) -> None:
    assert {-signal.SIGKILL} == {opened(folder / "marked", way) for _ in range(TRIES)}


@pytest.mark.parametrize(
    ("verb", "way"), [("connect", way) for way in WAYS] + [(verb, way) for verb in NO_REQUESTS for way in WAYS[:3]]
)
def test_no_other_call_that_a_rule_names_comes_back(
    acting: Running, folder: Path, port: int, sleeper: int, verb: str, way: str
) -> None:
    argument = {"connect": str(port), "exec": str(folder / "dropped"), "dup": "-", "trace": str(sleeper)}[verb]

    assert {-signal.SIGKILL} == {ended(verb, argument, way) for _ in range(max(3, TRIES // 10))}


def test_a_program_from_memory_is_ended_before_it_runs(acting: Running, folder: Path) -> None:
    code = "import os; fd = os.memfd_create('x'); os.write(fd, open('/bin/true','rb').read()); os.execve(fd, ['x'], {})"

    assert -signal.SIGKILL == subprocess.run(["python3", "-c", code], check=False).returncode


def test_what_the_kernel_does_not_decide_is_ended_by_mozu(acting: Running, folder: Path) -> None:
    before = len(acting.alerts)
    pid = killed(folder / "unsure", "60")

    assert "(user, " in taken(acting, pid, before)["output_fields"]["response"]


def test_other_ports_programs_descriptors_and_requests_are_left_alone(acting: Running, folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert ended("connect", server.getsockname()[1]) == 0
    assert ended("exec", "/bin/true") == 0
    traced = "import ctypes; ctypes.CDLL(None).ptrace(0, 0, 0, 0)"  # PTRACE_TRACEME
    assert subprocess.run(["python3", "-c", traced], check=False).returncode == 0


@pytest.mark.parametrize("way", ["native", "connect", "attach"])
def test_a_victim_has_not_a_byte(acting: Running, folder: Path, port: int, way: str) -> None:
    assert [TRIES, 0, 0, 0] == victims(way, port if way == "connect" else folder / "marked")


def test_a_tracer_that_would_hold_a_victim_at_its_end_has_not_a_byte(acting: Running, folder: Path) -> None:
    """The tracer could take descriptors that are still open; so it is ended with the victim."""
    numbers = kernel_features.signal_numbers(codegen.read_types())
    require(kernel_features.signals_are_usable(numbers), "programs cannot signal other tasks before Linux 6.13")

    assert [TRIES, 0, 0, 0] == victims("held", folder / "marked")


@pytest.mark.parametrize("way", ["thread", "sibling", "siblings", "linked", "receiving"])
def test_what_reads_beside_the_caller_is_killed_all_the_same(
    acting: Running, folder: Path, port: int, way: str
) -> None:
    """The number of times that it has a byte by then is in docs/operate/responders.md."""
    tries, opened, _, left = victims(way, port if way == "receiving" else folder / "marked", max(3, TRIES // 10))

    assert (tries, 0) == (max(3, TRIES // 10), left)
    assert way == "linked" or not opened


@pytest.mark.parametrize("text", ["{0}/link", "{0}/../{0.name}/marked", "{0}//marked", "/proc/self/root{0}/marked"])
def test_whatever_text_leads_to_the_file(acting: Running, folder: Path, text: str) -> None:
    assert -signal.SIGKILL == opened(text.format(folder))


def test_the_alert_says_that_the_kernel_has_done_it(acting: Running, folder: Path) -> None:
    before = len(acting.alerts)
    pid = killed(entry_path("native"), "read", folder / "marked")
    found = taken(acting, pid, before)
    first = acting.wait_alert(lambda one: one["output_fields"].get("proc.pid") == pid, "the alert", after=before)

    assert found["output_fields"]["alert"] == first["uuid"]
    assert found["output_fields"]["response"].endswith("(entry_path) (kernel)")


def test_a_dry_run_says_what_the_kernel_would_have_done(acting: Running, folder: Path) -> None:
    before = len(acting.alerts)
    assert opened(folder / "dry") == 0
    found = acting.wait_alert(lambda one: one["rule"] == "Response would be taken", "the notice", after=before)

    assert found["output_fields"]["response"].endswith("(kernel)")


def test_an_executable_that_is_allowed_is_left_alone(acting: Running, folder: Path) -> None:
    before = len(acting.alerts)
    assert opened(folder / "marked", program=folder / "allowed") == 0
    acting.wait_alert(lambda one: one["rule"] == "Response refused", "the refusal", after=before)


def test_a_rule_gone_wild_stops(acting: Running, folder: Path) -> None:
    """The kernel's minute may end once in between."""
    ended = [opened(folder / "budget") for _ in range(3 * BUDGET)]

    assert BUDGET <= ended.count(-signal.SIGKILL) <= 2 * BUDGET
    assert ended.count(0) >= BUDGET


def test_the_kill_switch_reaches_the_kernel(acting: Running, folder: Path) -> None:
    configured = ("-c", str(folder / "mozu.yaml"))
    for verb, ended in (("off", 0), ("on", -signal.SIGKILL)):
        before = len(acting.alerts)
        mozu("responders", verb, *configured)
        acting.wait_alert(lambda one: one["rule"] == "Responses switched", verb, after=before)
        assert opened(folder / "marked") == ended


def test_it_ends_with_mozu(folder: Path, acting: Running) -> None:
    acting.stop()

    assert opened(folder / "marked") == 0
