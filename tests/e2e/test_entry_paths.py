"""An act raises the same alert by every entry path: native, 32-bit, io_uring, io_uring that is polled."""

import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from mozu.plugins.sources.ebpf import entry_paths, uring
from mozu.plugins.sources.ebpf.objects import codegen
from tests.support.entry_paths import ENTRY_PATHS, entry_path
from tests.support.requirements import corpus, ebpf, require
from tests.support.running import Json, Running, mozu_run

pytestmark = [pytest.mark.ebpf, pytest.mark.corpus, pytest.mark.timeout(180)]

RULES = """
- rule: Connection out
  desc: A connection by the program under test.
  condition: evt.type = connect and proc.name = entry_path and fd.sport > 0
  output: "%proc.name %fd.name %fd.sport %fd.l4proto %evt.is_io_uring %evt.is_compat32"
  priority: NOTICE
- rule: Log removed
  desc: A log is unlinked.
  condition: evt.type in (unlink, unlinkat) and proc.name = entry_path and evt.rawres = 0 and fs.path.name endswith .log
  output: "%proc.name %fs.path.name %evt.is_io_uring %evt.is_compat32"
  priority: NOTICE
- rule: Shell run
  desc: A shell in place of the program under test.
  condition: evt.type = execve and proc.exe = /bin/sh and proc.args = "-c true"
  output: "%proc.name %proc.cmdline %proc.exepath"
  priority: NOTICE
"""


@pytest.fixture(scope="module")
def mozu(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    ebpf()
    require(entry_paths.accepts_32_bit_calls(), "this kernel takes no 32-bit calls")
    reason = uring.why_not(codegen.read_types())
    require(not reason, reason)
    folder = tmp_path_factory.mktemp("mozu")
    (folder / "entry_paths.yaml").write_text(RULES)
    files = (str(corpus("falco-rules", "falco_rules.yaml")), str(folder / "entry_paths.yaml"))
    with mozu_run(folder, "-r", files[0], "-r", files[1]) as running:
        yield running
        running.stop(signal.SIGTERM)


def acted(mozu: Running, path: str, rule: str, verb: str, argument: str, process: str = "entry_path") -> Json:
    """Perform the act and return the alert's fields."""
    before = len(mozu.alerts)
    subprocess.run([entry_path(path), verb, argument], check=False, timeout=30)
    alert = mozu.wait_alert(
        lambda a: a["rule"] == rule and a["output_fields"]["proc.name"] == process, f"{rule} by {path}", after=before
    )
    fields: Json = alert["output_fields"]
    return fields


def flags(path: str) -> dict[str, str | bool]:
    return {"evt.is_io_uring": "io_uring" in path, "evt.is_compat32": "32-bit" in path or "0x80" in path}


@pytest.mark.parametrize("path", ENTRY_PATHS)
def test_reading_a_sensitive_file(mozu: Running, path: str) -> None:
    fields = acted(mozu, path, "Read sensitive file untrusted", "read", "/etc/shadow")

    assert (fields["fd.name"], fields["proc.name"], fields["user.name"]) == ("/etc/shadow", "entry_path", "root")


@pytest.mark.parametrize("path", ENTRY_PATHS)
def test_connecting_out(mozu: Running, path: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        fields = acted(mozu, path, "Connection out", "connect", str(port))

    assert {name: fields[name] for name in flags(path)} == flags(path)
    assert (fields["fd.sport"], fields["fd.l4proto"], fields["fd.name"].endswith(f"->127.0.0.1:{port}")) == (
        port, "tcp", True,
    )  # fmt: skip


@pytest.mark.parametrize("path", ENTRY_PATHS)
def test_removing_a_log(mozu: Running, path: str, tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    log.touch()
    fields = acted(mozu, path, "Log removed", "remove", str(log))

    assert {name: fields[name] for name in flags(path)} == flags(path)
    assert (fields["fs.path.name"], log.exists()) == (str(log), False)


@pytest.mark.parametrize("path", [path for path in ENTRY_PATHS if "io_uring" not in path])
def test_running_a_shell(mozu: Running, path: str) -> None:
    fields = acted(mozu, path, "Shell run", "shell", "-", "sh")

    assert (fields["proc.cmdline"], fields["proc.exepath"]) == ("sh -c true", fields["proc.exepath"])
