"""A replay of a recording raises the same alerts with the same ids as the live run."""

import functools
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.support.docker import DockerEngine, docker
from tests.support.replaying import comparable, replayed
from tests.support.requirements import ROOT, ebpf
from tests.support.running import Json, mozu_run

__all__ = ["docker"]

pytestmark = pytest.mark.timeout(300)

MARK: Final = "mozu-recorded"
"""Keys that depend on the machine and the run that judged (docs/operate/recordings.md)."""
FIELDS: Final = (
    "evt.num evt.time evt.args evt.res evt.reltime evt.hostname fd.num fd.name fd.nameraw fd.type fd.dev "
    "fd.ino fd.realpath fd.lport fd.l4proto fd.sockfamily fd.is_server fs.path.name proc.pid proc.ppid "
    "proc.name proc.pname proc.aname[2] proc.aname[3] proc.cmdline proc.pcmdline proc.acmdline[2] proc.exe "
    "proc.exepath proc.pexepath proc.cwd proc.sid proc.sname proc.pgid proc.vpid proc.tty proc.duration "
    "proc.ppid.duration proc.pid.ts proc.is_exe_writable proc.exe_ino proc.exe_ino.ctime proc.loginshellid "
    "proc.fdopencount thread.tid thread.cap_effective user.name user.uid user.homedir user.shell "
    "user.loginuid user.loginname group.name group.gid container.id container.name container.full_id "
    "container.image"
)
OF_CONTAINERS: Final = (
    "container.image.repository container.image.tag container.image.id container.label[number] container.mounts "
    "container.privileged container.ip container.host_network container.start_ts container.type"
)
TYPES: Final = (
    "open openat creat execve connect bind listen accept accept4 sendto recvfrom unlink unlinkat rename "
    "renameat renameat2 mkdir mkdirat chmod fchmod fchmodat symlinkat chdir setresuid setuid kill procexit "
    "dup dup2 dup3 chown fchown fchownat"
)
WORK: Final = r"""
import os, pwd, socket, subprocess, threading
here = os.path.join(os.environ["WORK"], os.environ["MARK"])
os.mkdir(here); os.chdir(here)
for name in (b"plain", b"not \xff utf-8 \xfe", "ü".encode()):
    os.close(os.open(name, os.O_CREAT | os.O_WRONLY))
os.rename("plain", "moved"); os.chmod("moved", 0o600); os.symlink("moved", "link"); open("link").close()
try: open("absent")
except FileNotFoundError: pass
listener = socket.create_server(("127.0.0.1", 0))
def serve():
    peer, _ = listener.accept(); peer.sendall(peer.recv(9)); peer.close()
thread = threading.Thread(target=serve); thread.start()
client = socket.create_connection(listener.getsockname()); client.sendall(b"\0\xff[{"); client.recv(9); thread.join()
for _ in range(3):
    subprocess.run(["sh", "-c", "cd / && (cat /etc/hostname; true) | wc -l"], check=True, stdout=subprocess.DEVNULL)
subprocess.run(["sh", "-c", "exit 3"], env={"A": "b", "PATH": os.environ["PATH"]})
if os.geteuid() == 0:
    os.chown("moved", 1, 2)
    code = "import os; os.setresuid(1, 1, 1); open('/etc/passwd').close()"
    subprocess.run([os.environ["PYTHON"], "-c", code], check=True)
else:
    open("/etc/passwd").close()
for name in os.listdir(b"."): os.unlink(name)
"""


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """Write rules that raise an alert with every field for every event below the marked directory's process; return
    their path.
    """
    output = " ".join(f"%{name}" for name in FIELDS.split())
    condition = f"evt.type in ({', '.join(TYPES.split())}) and (proc.env[MARK] = {MARK} or proc.aenv[MARK] = {MARK})"
    path = tmp_path / "rules.yaml"
    rule = {"rule": "seen", "desc": "any", "condition": condition, "output": output, "priority": "NOTICE"}
    path.write_text(json.dumps([rule]))
    return path


def work(folder: Path) -> None:
    env = {**os.environ, "WORK": str(folder), "MARK": MARK, "PYTHON": sys.executable}
    subprocess.run([sys.executable, "-c", WORK], env=env, check=True, timeout=120)


@pytest.mark.ebpf
def test_a_recording_made_under_ebpf_gives_the_same_alerts(tmp_path: Path, rules: Path) -> None:
    ebpf()
    recording = tmp_path / "live.jsonl.gz"
    with mozu_run(tmp_path, "-r", str(rules), "--record", str(recording)) as mozu:
        work(tmp_path)
        mozu.wait_alert(lambda alert: alert["output_fields"].get("fd.name") == "/etc/passwd", "the last act")
        mozu.stop()
    expected, found = comparable(mozu.alerts), comparable(replayed(recording, rules))
    assert len(expected) > 100
    assert expected == found


def _read(container: str, alert: Json) -> bool:
    fields = alert["output_fields"]
    return (fields.get("fd.name"), fields.get("container.name")) == ("/etc/group", container)


@pytest.mark.ebpf
@pytest.mark.docker
def test_a_recording_knows_the_containers_and_their_users(tmp_path: Path, docker: DockerEngine) -> None:
    ebpf()
    rules, recording = tmp_path / "rules.yaml", tmp_path / "live.jsonl.gz"
    output = " ".join(f"%{name}" for name in (*FIELDS.split(), *OF_CONTAINERS.split()))
    condition = "evt.type in (execve, open, openat, creat, procexit) and container.id != host"
    rule = {"rule": "seen", "desc": "any", "condition": condition, "output": output, "priority": "NOTICE"}
    rules.write_text(json.dumps([rule]))
    settings = (
        "-o",
        f"enrichers.containers.docker.socket={docker.socket}",
        "-o",
        "enrichment_buffer.seconds=60",
        "--record",
        str(recording),
    )
    with mozu_run(tmp_path, "-r", str(rules), *settings) as mozu:
        for number, user in enumerate(("0", "4711:4712", "0", "4711:4712")):
            name = f"recorded-{number}"
            options = ("--name", name, "--user", user, "--label", f"number={number}")
            docker.begin("sh", "-c", "cat /etc/group; sleep 600", options=options)
            mozu.wait_alert(functools.partial(_read, name), name)
            docker.remove(name)
        mozu.stop()
    expected, found = comparable(mozu.alerts), comparable(replayed(recording, rules))
    assert expected == found
    people = {(alert["output_fields"]["user.name"], alert["output_fields"]["group.name"]) for alert in found.values()}
    names = {alert["output_fields"]["container.name"] for alert in found.values()}
    assert {("root", "root"), ("magpie", "corvids")} <= people
    assert {f"recorded-{number}" for number in range(4)} <= names


def test_a_recording_made_under_ptrace_gives_the_same_alerts(tmp_path: Path, rules: Path) -> None:
    recording, report = tmp_path / "traced.jsonl.gz", tmp_path / "report.json"
    env = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "WORK": str(tmp_path), "MARK": MARK, "PYTHON": sys.executable}
    options = ["-r", str(rules), "--record", str(recording), "--report", f"json:{report}"]
    done = subprocess.run(
        [sys.executable, "-m", "mozu", "trace", *options, "--", sys.executable, "-c", WORK],
        env=env, capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    expected = comparable(json.loads(report.read_text())["alerts"])
    found = comparable(replayed(recording, rules))
    assert len(expected) > 100
    assert expected == found
