"""`mozu trace --deny` for real, as an ordinary user: denied acts do not happen."""

import errno
import json
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support.tracing import place, trace

PYTHON = "/usr/bin/python3"
RULES = """\
- rule: Secret
  desc: d
  condition: evt.type in (open, openat, openat2, creat) and fd.realpath endswith /keep
  output: "opened %fd.name"
  priority: ERROR
  mozu: {respond: deny}
- rule: Removed
  desc: d
  condition: evt.type in (unlink, unlinkat, rename, renameat, renameat2) and evt.args contains keep
  output: "removed %evt.args"
  priority: ERROR
  mozu: {respond: deny}
- rule: Connected
  desc: d
  condition: evt.type = connect and fd.sip = 127.0.0.1 and evt.rawres >= 0
  output: "connected to %fd.name"
  priority: ERROR
  mozu: {respond: deny}
- rule: Program
  desc: d
  condition: evt.type = execve and evt.rawres = 0 and proc.name = id and proc.args = "-u"
  output: "ran %proc.cmdline %proc.exepath"
  priority: ERROR
  mozu: {respond: deny}
"""
TRIES = """
import errno, os, socket, subprocess, sys
def attempt(name, work):
    try:
        work()
        print(name, "done", flush=True)
    except OSError as error:
        print(name, errno.errorcode[error.errno], flush=True)
attempt("truncate", lambda: os.close(os.open("keep", os.O_WRONLY | os.O_TRUNC)))
attempt("read", lambda: open("keep").close())
attempt("link", lambda: open("link").close())
attempt("self", lambda: open("/proc/self/cwd/keep").close())
attempt("unlink", lambda: os.unlink("keep"))
attempt("rename", lambda: os.rename("keep", "moved"))
server = socket.create_server(("127.0.0.1", 0))
attempt("connect", lambda: socket.create_connection(server.getsockname()).close())
server.setblocking(False)
attempt("accept", lambda: server.accept())
attempt("execve", lambda: os.execv("/usr/bin/id", ["id", "-u"]))
attempt("other program", lambda: subprocess.check_output(["/usr/bin/id"]))
attempt("other file", lambda: open("made", "w").close())
"""
OTHER_WAYS = """
import ctypes, errno, mmap
libc = ctypes.CDLL(None, use_errno=True)
code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
code.write(bytes.fromhex("b814000000cd80c3"))  # mov eax, 20 (getpid of i386); int 0x80; ret
getpid = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(code)))
print("32-bit", getpid())
print("io_uring", libc.syscall(425, 8, ctypes.create_string_buffer(120)), errno.errorcode.get(ctypes.get_errno()))
program = (ctypes.c_uint64 * 2)(1, ctypes.addressof(ctypes.create_string_buffer(bytes.fromhex("060000000000ff7f"))))
print("listener", libc.syscall(317, 1, 8, program), errno.errorcode.get(ctypes.get_errno()))
print("filter", libc.syscall(317, 1, 0, None), errno.errorcode.get(ctypes.get_errno()))
"""
INCLUDES = "#include <arpa/inet.h>\n#include <errno.h>\n#include <stdio.h>\n#include <sys/socket.h>\n"
HELLO = INCLUDES + 'int main() { puts("hello"); return 0; }\n'
POISONED = f"""\
{INCLUDES}
int main() {{
    struct sockaddr_in there = {{AF_INET, htons(9), {{htonl(INADDR_LOOPBACK)}}}};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    printf("connect %d\\n", connect(fd, (void *)&there, sizeof there) ? errno : 0);
    return 0;
}}
"""
MAKEFILE = "all: a\n\t./a\na: a.c\n\tcc -o a a.c\n"


@pytest.fixture
def at() -> Iterator[Path]:
    with place() as root:
        yield root / "tree"


def reported(done: "subprocess.CompletedProcess[str]", at: Path) -> list[Mapping[str, Any]]:
    assert done.returncode != 125, done.stderr
    alerts: list[Mapping[str, Any]] = json.loads((at / "r.json").read_text())["alerts"]
    return alerts


def outcomes(done: "subprocess.CompletedProcess[str]") -> dict[str, str]:
    return {name: what for name, _, what in (line.rpartition(" ") for line in done.stdout.splitlines())}


def tried(at: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    (at / "keep").write_text("kept")
    (at / "link").symlink_to("keep")
    for file in (at, at / "keep"):
        file.chmod(0o777)
    (at / "rules.yaml").write_text(RULES)
    return trace("-r", "rules.yaml", *options, "--report", "json:r.json", "--", PYTHON, "-c", TRIES, at=at)


def test_denied_calls_fail_and_leave_everything_as_it_was(at: Path) -> None:
    done = tried(at, "--deny")
    alerts = reported(done, at)

    denied = dict.fromkeys(("truncate", "read", "link", "self", "unlink", "rename", "connect", "execve"), "EPERM")
    assert {**denied, "accept": "EAGAIN", "other program": "done", "other file": "done"} == outcomes(done)
    assert "kept" == (at / "keep").read_text()
    by_rule = [alert["rule"] for alert in alerts]
    assert [4, 2, 1, 1, 8] == [
        by_rule.count(rule) for rule in ("Secret", "Removed", "Connected", "Program", "Response taken")
    ], alerts
    taken = [alert["output_fields"] for alert in alerts if alert["rule"] == "Response taken"]
    assert {"deny"} == {one["responder"] for one in taken}
    assert "ran id -u /usr/bin/id" in next(one["output"] for one in alerts if one["rule"] == "Program")


def test_without_deny_the_same_rules_report_only(at: Path) -> None:
    done = tried(at)

    assert {"truncate", "unlink", "connect"} <= {name for name, what in outcomes(done).items() if what == "done"}
    assert {"Secret", "Removed", "Connected", "Program"} <= {alert["rule"] for alert in reported(done, at)}
    assert not (at / "keep").exists()


def test_what_cannot_be_judged_is_refused(at: Path) -> None:
    (at / "rules.yaml").write_text(RULES)
    done = trace("-r", "rules.yaml", "--deny", "--", PYTHON, "-c", OTHER_WAYS, at=at)

    assert ["32-bit -1", "io_uring -1 EPERM", "listener -1 EPERM", "filter -1 EFAULT"] == done.stdout.splitlines()
    assert all(what in done.stderr for what in ("a 32-bit call", "io_uring", "a seccomp listener"))


def test_a_build_passes_in_yesterdays_sandbox_and_cannot_do_what_is_new(at: Path) -> None:
    (at / "a.c").write_text(HELLO)
    (at / "Makefile").write_text(MAKEFILE)
    learnt = trace("--learn", "allow.yaml", "--", "make", "-s", at=at)
    (at / "a").unlink()

    same = trace("--allow", "allow.yaml", "--deny", "--report", "json:r.json", "--", "make", "-s", at=at)
    new = reported(same, at)
    (at / "a.c").write_text(POISONED)
    (at / "a").unlink()
    other = trace("--allow", "allow.yaml", "--deny", "--report", "json:r.json", "--", "make", "-s", at=at)

    assert [("hello\n", 0)] * 2 == [(done.stdout, done.returncode) for done in (learnt, same)], same.stderr
    assert ([], f"connect {errno.EPERM}\n") == (new, other.stdout), (new, other.stderr)
    assert ["New address", "Response taken"] == [alert["rule"] for alert in reported(other, at)]


def test_where_nothing_denies_the_command_is_not_run(at: Path) -> None:
    done = trace("--deny", "--", "touch", "made", at=at)

    assert 125 == done.returncode
    assert "nothing denies" in done.stderr
    assert not (at / "made").exists()


def test_a_program_that_is_new_does_not_run(at: Path) -> None:
    trace("--learn", "allow.yaml", "--", "sh", "-c", "cat /etc/hostname >/dev/null", at=at)

    done = trace("--allow", "allow.yaml", "--deny", "--", "sh", "-c", "id; echo $?", at=at)

    assert "126\n" == done.stdout
    assert "/usr/bin/id" in done.stderr
