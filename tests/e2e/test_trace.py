"""`mozu trace` for real, as an ordinary user."""

import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.tracing import command_line, environment, place, trace

PATIENCE = 30.0
REVERSE_SHELL = """
import os, socket
server = socket.create_server(("127.0.0.1", 0))
if os.fork() == 0:
    end = socket.create_connection(server.getsockname())
    for number in (0, 1, 2):
        os.dup2(end.fileno(), number)
    os.execv("/bin/sh", ["sh", "-i"])
end, _ = server.accept()
end.sendall(b"exit 0\\n")
while end.recv(100):
    pass
os.wait()
"""
DOWNLOAD = """
import http.server, os, threading, urllib.request
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"#!/bin/true\\n")
    def log_message(self, *words):
        pass
server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
found = urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}/tool").read()
path = f"/tmp/mozu-download-{os.getpid()}"
with open(path, "wb") as file:
    file.write(open("/bin/true", "rb").read())
os.chmod(path, 0o755)
os.system(path)
os.unlink(path)
"""

ON_TERMINAL = """
import os, signal, sys, time
signal.signal(signal.SIGWINCH, lambda *words: sys.exit(9))
print("ready: terminal", os.isatty(0), flush=True)
while True:
    time.sleep(0.05)
"""


THREADS = """
import os, threading, time
several = [threading.Thread(target=time.sleep, args=(0.5,)) for _ in range(5)]
for thread in several:
    thread.start()
open("/etc/hostname").close()
for thread in several:
    thread.join()
while len(os.listdir("/proc/self/task")) > 1:
    time.sleep(0.01)  # a thread is there until its tracer has heard of its end
open("/etc/hostname").close()
"""


@pytest.fixture
def at() -> Iterator[Path]:
    """Yield the directory in which the command runs; `home` lies beside it."""
    with place() as root:
        yield root / "tree"


def rules_of(done: "subprocess.CompletedProcess[str]", at: Path) -> set[str]:
    """Return the names of the rules in the report `r.json`."""
    assert done.returncode != 125, done.stderr
    return {alert["rule"] for alert in json.loads((at / "r.json").read_text())["alerts"]}


def until(found: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not found():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def test_the_commands_output_and_exit_code_are_its_own(at: Path) -> None:
    done = trace("--", "sh", "-c", "echo out; echo err >&2; exit 3", at=at)

    assert (3, "out\n", "err\n") == (done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize(
    ("code", "arguments"),
    [
        (0, ["--", "true"]),
        (127, ["--", "/nonexistent"]),
        (126, ["--", "/etc/passwd"]),
        (125, ["--no-such-option", "--", "true"]),
        (125, ["-r", "/nonexistent.yaml", "--", "true"]),
        (125, ["--allow", "/nonexistent.yaml", "--", "true"]),
        (143, ["--", "sh", "-c", "kill -TERM $$"]),
        (137, ["--", "sh", "-c", "kill -KILL $$"]),
        (120, ["--fail-on", "critical", "--", "cat", "/etc/shadow"]),
        (7, ["--fail-on", "warning", "--fail-code", "7", "--", "cat", "/etc/shadow"]),
        (1, ["--fail-on", "alert", "--", "cat", "/etc/shadow"]),
        (120, ["--fail-on", "CRITICAL", "--", "cat", "/etc/shadow"]),
        (120, ["--fail-on", "Info", "--", "cat", "/etc/shadow"]),
        (125, ["--fail-on", "bad", "--", "true"]),
    ],
)
def test_every_end_has_its_exit_code(at: Path, code: int, arguments: list[str]) -> None:
    assert code == trace(*arguments, at=at).returncode


def test_a_rule_without_an_event_type_is_asked_of_every_call(at: Path) -> None:
    (at / "every.yaml").write_text(
        "- rule: Any call\n  desc: of any type\n  condition: proc.name = cat and fd.name = /etc/hostname\n"
        "  output: '%evt.type'\n  priority: WARNING\n"
    )
    done = trace("-r", "every.yaml", "--report", "json:r.json", "--", "cat", "/etc/hostname", at=at)

    assert done.returncode == 0, done.stderr
    types = {alert["output"].split()[-1] for alert in json.loads((at / "r.json").read_text())["alerts"]}
    assert {"openat", "close"} <= types


def test_an_alert_is_a_line_on_stderr(at: Path) -> None:
    done = trace("--", "cat", "/etc/shadow", at=at)

    lines = [line for line in done.stderr.splitlines() if line.startswith("mozu: ")]
    reported = [line.split(": ", 2)[2].partition(" command=")[0] for line in lines]
    assert ["Critical Password hashes /etc/shadow wanted by a build: cat (result=EACCES"] == reported


@pytest.mark.parametrize(
    ("rule", "command"),
    [
        ("Password hashes wanted by a build", ["cat", "/etc/shadow"]),
        ("Terminal of a build handed to the network", [sys.executable, "-c", REVERSE_SHELL]),
        ("Start of a login changed by a build", ["sh", "-c", "mkdir -p ~/.ssh; echo k >> ~/.ssh/authorized_keys"]),
        ("Secret of the user wanted by a build", ["sh", "-c", "mkdir -p ~/.aws; : > ~/.aws/credentials"]),
        ("Program run from a temporary place by a build", [sys.executable, "-c", DOWNLOAD]),
        ("Write outside the tree by a build", ["sh", "-c", "echo x > ../elsewhere"]),
        ("Environment of another process read by a build", ["sh", "-c", "cat /proc/$$/environ >/dev/null"]),
    ],
)
def test_what_a_build_has_no_business_doing_is_reported(at: Path, rule: str, command: list[str]) -> None:
    words = ["/usr/bin/python3" if word == sys.executable else word for word in command]

    done = trace("--report", "json:r.json", "--", *words, at=at, home=at.parent / "home")

    assert rule in rules_of(done, at)


def test_an_honest_build_raises_no_alert(at: Path) -> None:
    (at / "a.c").write_text("int main() { return 0; }\n")
    (at / "Makefile").write_text("all: a\n\t./a\na: a.c\n\tcc -o a a.c\n")

    done = trace("--report", "json:r.json", "--", "make", at=at)

    assert set() == rules_of(done, at)


def test_a_second_run_is_silent_and_a_poisoned_one_is_reported_by_what_is_new(at: Path) -> None:
    (at / "Makefile").write_text("all:\n\tcat Makefile > made\n")
    trace("--learn", "allow.yaml", "--", "make", at=at)
    clean = trace("--allow", "allow.yaml", "--report", "json:r.json", "--", "make", at=at)
    first = rules_of(clean, at)
    (at / "Makefile").write_text("all:\n\tcat Makefile > made\n\tcp made ../home/made\n")

    trace("--allow", "allow.yaml", "--report", "json:r.json", "--", "make", at=at, home=at.parent / "home")
    alerts = json.loads((at / "r.json").read_text())["alerts"]
    entries = {alert["output"].split(": ")[2].split(" (")[0] for alert in alerts}

    assert (set(), True) == (first, {"/usr/bin/cp", "{home}/made"} <= entries), entries


def test_a_junit_report_has_a_failed_case_for_each_rule_that_spoke(at: Path) -> None:
    trace("--report", "junit:r.xml", "--", "cat", "/etc/shadow", at=at)

    suite = ElementTree.parse(at / "r.xml").getroot()[0]
    failed = [case.attrib["name"] for case in suite if case.find("failure") is not None]
    assert ["cat /etc/shadow", "Password hashes wanted by a build"] == failed


def test_sigterm_is_the_commands(at: Path) -> None:
    script = "trap 'echo caught; exit 5' TERM; echo ready; while :; do sleep 0.05; done"
    process = subprocess.Popen(
        command_line("--", "sh", "-c", script), cwd=at, env=environment(at), stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    process.stdout.readline()

    process.send_signal(signal.SIGTERM)

    assert ("caught\n", 5) == (process.stdout.read(), process.wait(PATIENCE))
    process.stdout.close()


def test_killing_mozu_kills_the_command(at: Path) -> None:
    line = command_line("--", "sh", "-c", "echo $$; sleep 600")
    process = subprocess.Popen(line, cwd=at, env=environment(at), stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    pid = int(process.stdout.readline())

    process.kill()
    process.wait(PATIENCE)

    until(lambda: not Path(f"/proc/{pid}").exists() or "Z" in Path(f"/proc/{pid}/stat").read_text().split(")")[1][:3])
    process.stdout.close()


def test_a_stopped_command_stops_until_it_is_continued(at: Path) -> None:
    process = subprocess.Popen(
        command_line("--", "sh", "-c", "echo $$; read line; echo went on"), cwd=at, env=environment(at),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdin is not None
    pid = int(process.stdout.readline())
    os.kill(pid, signal.SIGSTOP)
    until(lambda: Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "tT")

    process.stdin.write("\n")
    process.stdin.close()
    os.kill(pid, signal.SIGCONT)

    assert ("went on\n", 0) == (process.stdout.read(), process.wait(PATIENCE))
    process.stdout.close()


def test_the_command_has_the_terminal_and_hears_of_its_size(at: Path) -> None:
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(at)
        os.execvpe("setpriv", command_line("--", "/usr/bin/python3", "-c", ON_TERMINAL), environment(at))
    text = b""
    while not (said := re.search(rb"^ready: terminal (\w+)\r", text, re.MULTILINE)):
        text += os.read(terminal, 1000)  # alerts are here too, and their command line holds the program

    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 99, 0, 0))

    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    assert (b"True", 9) == (said[1], os.waitstatus_to_exitcode(status))


def test_threads_are_counted_while_they_live(at: Path) -> None:
    (at / "rules.yaml").write_text(
        "- {rule: opened, desc: d, condition: evt.type = openat and fd.name = /etc/hostname, "
        "output: '%proc.nthreads', priority: NOTICE}"
    )
    trace("-r", "rules.yaml", "--report", "json:r.json", "--", "/usr/bin/python3", "-c", THREADS, at=at)
    alerts = json.loads((at / "r.json").read_text())["alerts"]
    assert [6, 1] == [alert["output_fields"]["proc.nthreads"] for alert in alerts]


NOISY = """
import os, subprocess, threading
from mozu import Settings, SinkDeclaration, hookimpl

print("printed at import")

def go_on(ends=threading.Event()):
    while not ends.wait(0.01):
        print("printed by a thread", flush=True)
        os.write(1, b"written by a thread\\n")
        subprocess.run(["echo", "by a child"])

threading.Thread(target=go_on, daemon=True).start()

@hookimpl
def mozu_components():
    return SinkDeclaration(name="noisy", build=print, settings=Settings, summary="Prints.")
"""


def test_what_a_plugin_prints_is_not_in_the_output_of_the_command(at: Path) -> None:
    info = at / "site/mozu_noisy-1.dist-info"
    info.mkdir(parents=True)
    (at / "site/noisy.py").write_text(NOISY)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mozu-noisy\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[mozu]\nnoisy = noisy\n")
    variables = environment(at)
    variables["PYTHONPATH"] = f"{at / 'site'}:{variables['PYTHONPATH']}"
    done = subprocess.run(
        command_line("-p", "noisy", "--", "sh", "-c", "echo begun; sleep 0.3; echo ended"),
        cwd=at, env=variables, capture_output=True, text=True, timeout=100, check=True,
    )  # fmt: skip

    assert "begun\nended\n" == done.stdout
    assert {"printed at import", "printed by a thread", "written by a thread", "by a child"} <= set(
        done.stderr.splitlines()
    )
