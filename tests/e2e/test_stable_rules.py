"""Falco's stable rules, unchanged, on live system calls: each trigger is a real program, each alert is checked."""

import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.build import compiled
from tests.support.requirements import corpus, ebpf, program
from tests.support.running import Json, Running, mozu_run

pytestmark = [pytest.mark.ebpf, pytest.mark.corpus, pytest.mark.timeout(180)]

PYTHON = Path(sys.executable).name


@pytest.fixture(scope="module")
def mozu(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    ebpf()
    rules = corpus("falco-rules", "falco_rules.yaml")
    suggested = "evaluators.falco.append_output=[{suggested_output: true}]"
    with mozu_run(tmp_path_factory.mktemp("mozu"), "-r", str(rules), "-o", suggested) as running:
        yield running
        running.stop()


def acting(folder: Path, name: str, *arguments: str) -> Path:
    """The actor under another name."""
    target = folder / name
    shutil.copy(compiled("actor"), target)
    subprocess.run([target, *arguments], check=False)
    return target


def python(code: str) -> None:
    subprocess.run([sys.executable, "-c", code], check=False)


def expect(mozu: Running, rule: str, process: str, act: Callable[[], object], file: str | None = None) -> Json:
    """Do it; the alert of this rule by this process, with what every alert from the host must say."""
    before = len(mozu.alerts)
    act()
    alert = mozu.wait_alert(
        lambda a: a["rule"] == rule and a["output_fields"]["proc.name"] == process, f"{rule} by {process}", after=before
    )
    fields = alert["output_fields"]
    assert (fields["container.id"], fields["container.name"]) == ("host", "host")
    assert f"process={process}" in alert["output"]
    if file is not None:
        assert file == fields["fd.name"]
    return alert


def test_reading_a_sensitive_file_by_a_program_without_business_there(mozu: Running) -> None:
    alert = expect(mozu, "Read sensitive file untrusted", "cat", lambda: subprocess.run(
        ["cat", "/etc/shadow"], stdout=subprocess.DEVNULL, check=True), "/etc/shadow")  # fmt: skip
    assert ("root", "cat /etc/shadow") == (
        alert["output_fields"]["user.name"], alert["output_fields"]["proc.cmdline"])  # fmt: skip


def test_a_path_that_climbs_out_of_its_directory(mozu: Running) -> None:
    raw = "/etc/ssl/../../etc/passwd"
    alert = expect(
        mozu, "Directory traversal monitored file read", PYTHON, lambda: python(f"open({raw!r})"), "/etc/passwd"
    )
    assert raw == alert["output_fields"]["fd.nameraw"]


def test_a_server_that_reads_a_sensitive_file_long_after_its_start(mozu: Running, tmp_path: Path) -> None:
    expect(
        mozu,
        "Read sensitive file trusted after startup",
        "nginx",
        lambda: acting(tmp_path, "nginx", "open", "6", "/etc/shadow"),
        "/etc/shadow",
    )


def test_a_server_that_starts_a_shell(mozu: Running, tmp_path: Path) -> None:
    shell = os.path.realpath("/bin/sh")
    alert = expect(
        mozu,
        "Run shell untrusted",
        Path(shell).name,
        lambda: acting(tmp_path, "nginx", "spawn", shell, "-c", "true"),
    )
    assert "nginx" == alert["output_fields"]["proc.pname"]


def test_a_system_user_below_a_login(mozu: Running, tmp_path: Path) -> None:
    uid = str(pwd.getpwnam("daemon").pw_uid)
    tmp_path.chmod(0o755)
    alert = expect(
        mozu,
        "System user interactive",
        "true",
        lambda: acting(tmp_path, "sshd", "as", uid, program("true")),
    )
    assert "daemon" == alert["output_fields"]["user.name"]


def test_a_search_for_private_keys(mozu: Running, tmp_path: Path) -> None:
    expect(
        mozu,
        "Search Private Keys or Passwords",
        "find",
        lambda: subprocess.run(["find", tmp_path, "-name", "id_rsa"], check=True),
    )


def test_a_search_for_cloud_credentials(mozu: Running, tmp_path: Path) -> None:
    expect(
        mozu,
        "Find AWS Credentials",
        "find",
        lambda: subprocess.run(["find", tmp_path, "-path", "*/.aws/credentials"], check=True),
    )


def test_a_program_that_wipes_data(mozu: Running) -> None:
    expect(
        mozu,
        "Remove Bulk Data from Disk",
        "shred",
        lambda: subprocess.run(["shred", "--version"], stdout=subprocess.DEVNULL, check=True),
    )


def test_a_symbolic_link_over_a_sensitive_file(mozu: Running, tmp_path: Path) -> None:
    link = tmp_path / "link"
    alert = expect(
        mozu,
        "Create Symlink Over Sensitive Files",
        "ln",
        lambda: subprocess.run(["ln", "-s", "/etc/shadow", link], check=True),
    )
    assert ("/etc/shadow", str(link)) == (
        alert["output_fields"]["evt.arg.target"], alert["output_fields"]["evt.arg.linkpath"])  # fmt: skip


def test_a_hard_link_over_a_sensitive_file(mozu: Running) -> None:
    link = Path("/etc/mozu-test-link")
    link.unlink(missing_ok=True)
    try:
        expect(
            mozu,
            "Create Hardlink Over Sensitive Files",
            "ln",
            lambda: subprocess.run(["ln", "/etc/shadow", link], check=True),
        )
    finally:
        link.unlink(missing_ok=True)


def test_a_program_that_attaches_to_another(mozu: Running) -> None:
    code = (
        "import ctypes, os, signal, time\n"
        "libc, pid = ctypes.CDLL(None), os.fork()\n"
        "if not pid: time.sleep(60)\n"
        "libc.ptrace(16, pid, 0, 0); os.waitpid(pid, 0); os.kill(pid, signal.SIGKILL)"
    )
    expect(mozu, "PTRACE attached to process", PYTHON, lambda: python(code))


def test_a_program_that_guards_itself_against_debuggers(mozu: Running) -> None:
    code = "import ctypes; ctypes.CDLL(None).ptrace(0, 0, 0, 0)"
    expect(mozu, "PTRACE anti-debug attempt", PYTHON, lambda: python(code))


def test_execution_from_shared_memory(mozu: Running) -> None:
    target = Path("/dev/shm/mozu-test")
    shutil.copy(program("true"), target)
    try:
        alert = expect(mozu, "Execution from /dev/shm", target.name, lambda: subprocess.run([target], check=True))
    finally:
        target.unlink()
    assert str(target) == alert["output_fields"]["proc.exepath"]


def test_execution_of_a_file_that_exists_only_in_memory(mozu: Running) -> None:
    code = (
        "import os\n"
        f"fd = os.memfd_create('x'); os.write(fd, open({program('true')!r}, 'rb').read())\n"
        "os.execve(fd, ['ghost'], {})"
    )
    before = len(mozu.alerts)
    python(code)
    alert = mozu.wait_alert(
        lambda a: a["rule"] == "Fileless execution via memfd_create", "the fileless execution", after=before
    )
    assert "memfd:x" in alert["output_fields"]["proc.exepath"]


def test_ssh_to_an_unusual_port(mozu: Running, tmp_path: Path) -> None:
    """In a network namespace of its own, where a documentation address is local."""
    program("ip")
    shutil.copy(compiled("actor"), tmp_path / "ssh")
    listen = "import socket, time; s = socket.create_server(('203.0.113.1', 443)); time.sleep(3)"
    script = f"""
        ip link set lo up && ip address add 203.0.113.1/32 dev lo
        {sys.executable} -c "{listen}" & sleep 1
        {tmp_path}/ssh connect 203.0.113.1 443
    """
    alert = expect(
        mozu,
        "Disallowed SSH Connection Non Standard Port",
        "ssh",
        lambda: subprocess.run(["unshare", "--net", "sh", "-c", script], check=True),
    )
    assert alert["output_fields"]["fd.name"].endswith("->203.0.113.1:443")


def test_the_process_is_still_alive_and_lost_nothing(mozu: Running) -> None:
    assert mozu.process.poll() is None
    lost = [alert for alert in mozu.alerts if alert["rule"] == "Events lost"]
    assert [] == lost
