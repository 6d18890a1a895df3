"""`mozu trace --deny`: the file that is opened is the one that was judged, and opens end as they do without mozu.
MOZU_SWAPS=10000 tries as often as it was measured (docs/operate/trace.md).
"""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.support.build import compiled
from tests.support.requirements import ROOT
from tests.support.tracing import command_line, environment, ordinary, place, trace

TRIES: Final = int(os.environ.get("MOZU_SWAPS", "400"))
RULES: Final = """\
- rule: Denied
  desc: d
  condition: evt.type in (open, openat, openat2, creat) and fd.realpath endswith /denied
  output: "opened %fd.name"
  priority: ERROR
  mozu: {respond: deny}
"""
CONFINED: Final = """
import ctypes, errno, sys
libc = ctypes.CDLL(None, use_errno=True)
READ_FILE = ctypes.c_uint64(1 << 2)
libc.prctl(38, 1, 0, 0, 0)  # no_new_privs
rules = libc.syscall(444, ctypes.byref(READ_FILE), 8, 0)  # landlock_create_ruleset
assert rules >= 0, "no Landlock"
assert not libc.syscall(446, rules, 0)  # landlock_restrict_self
try:
    print(open("allowed").read())
except OSError as error:
    print(errno.errorcode[error.errno])
"""
LISTENED: Final = """
import ctypes, os, platform, sys
libc = ctypes.CDLL(None, use_errno=True)
libc.prctl(38, 1, 0, 0, 0)  # no_new_privs
allow = ctypes.create_string_buffer(bytes.fromhex("060000000000ff7f"))
program = (ctypes.c_uint64 * 2)(1, ctypes.addressof(allow))
listener = libc.syscall({"x86_64": 317, "aarch64": 277}[platform.machine()], 1, 8, program)
assert listener >= 0
os.set_inheritable(listener, True)  # a filter has its listener as long as that is open, and no other filter has one
os.execv(sys.argv[1], sys.argv[1:])
"""


@pytest.fixture
def at() -> Iterator[Path]:
    """Yield a directory with a file that may be opened and one that may not."""
    with place() as root:
        tree = root / "tree"
        for name in ("allowed", "denied"):
            (tree / name).write_text(name)
            (tree / name).chmod(0o666)
        (tree / "rules.yaml").write_text(RULES)
        yield tree


def denying(at: Path, *command: str | Path) -> "subprocess.CompletedProcess[str]":
    for word in command:
        for part in (Path(word), Path(word).parent):
            if str(part).startswith("/tmp/"):
                part.chmod(0o755)  # compiled programs are root's alone
    done = trace("-r", "rules.yaml", "--deny", "--report", "json:report", "--", *map(str, command), at=at)
    assert done.returncode in (0, 1), done.stderr
    return done


@pytest.mark.parametrize("way", ["text", "truncate", "link"])
def test_a_thread_that_swaps_what_is_opened_wins_nothing(at: Path, way: str) -> None:
    program = compiled("swapping", "-pthread")

    done = denying(at, program, way, str(TRIES), at / "allowed", at / "denied")

    allowed, read_though_denied, denied = map(int, done.stdout.split())
    assert (0, "denied") == (read_though_denied, (at / "denied").read_text())
    assert min(allowed, denied) > 0, done.stdout


def test_a_signal_interrupts_no_open_and_makes_none_twice(at: Path) -> None:
    done = denying(at, compiled("interrupted"), "300")
    assert "0\n" == done.stdout, done.stderr


def test_opens_end_as_they_do_without_mozu(at: Path) -> None:
    drop, interpreter = ordinary()
    script = str(ROOT / "tests/support/opening.py")
    alone = subprocess.run(
        [*drop, interpreter, script, "alone"], cwd=at, env=environment(at), capture_output=True, text=True, check=True
    )

    done = denying(at, interpreter, script, "traced")

    assert alone.stdout.splitlines() == done.stdout.splitlines()
    assert "append 3" in alone.stdout


def test_what_landlock_forbids_the_program_it_is_not_given(at: Path) -> None:
    done = denying(at, ordinary()[1], "-c", CONFINED)
    assert "EACCES\n" == done.stdout, done.stderr


def test_where_there_can_be_no_listener_opens_run_as_they_are_and_mozu_says_so(at: Path) -> None:
    command = command_line("-r", "rules.yaml", "--deny", "--", "cat", "allowed", "denied")
    listened = [*ordinary()[0], ordinary()[1], "-c", LISTENED, *command[len(ordinary()[0]) :]]

    done = subprocess.run(
        listened, cwd=at, env=environment(at), capture_output=True, text=True, timeout=100, check=False
    )

    assert ("allowed", 1) == (done.stdout, done.returncode), done.stderr
    assert "their threads can change paths: Device or resource busy" in done.stderr
