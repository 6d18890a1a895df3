"""`mozu trace` warns of programs that it cannot read or changes: set-uid programs, 32-bit programs, 32-bit calls."""

import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.requirements import ROOT, program, require
from tests.support.tracing import ordinary, place, trace

INT_80 = """
import sys
sys.path.insert(0, {root!r})
from tests.support.acts.int80 import Arena
assert Arena().call(20) > 0  # getpid
"""


@pytest.fixture
def at() -> Iterator[Path]:
    """Yield the directory in which the command runs."""
    with place() as root:
        yield root / "tree"


def small_program() -> bytes:
    """Return a 32-bit ELF program that ends with 7: one header, one segment, mov eax,1; mov ebx,7; int 0x80."""
    code = b"\xb8\x01\x00\x00\x00\xbb\x07\x00\x00\x00\xcd\x80"
    start, size = 0x08048000, 52 + 32 + len(code)
    ident = b"\x7fELF\x01\x01\x01".ljust(16, b"\0")
    head = struct.pack("<16sHHIIIIIHHHHHH", ident, 2, 3, 1, start + 84, 52, 0, 0, 52, 32, 1, 0, 0, 0)
    return head + struct.pack("<IIIIIIII", 1, 0, start, start, size, size, 5, 0x1000) + code


def test_a_set_uid_program_is_reported_to_run_without_its_privilege(at: Path) -> None:
    drop, _ = ordinary()
    require(bool(drop), "root loses nothing, and cannot become an ordinary user here")
    su = program("su")

    done = trace("--", su, "--version", at=at)

    assert (0, True) == (done.returncode, "is set-uid or set-gid and runs without its privilege" in done.stderr)


def test_a_32_bit_program_is_reported_to_be_unread_and_runs_as_it_should(at: Path) -> None:
    path = at / "small"
    path.write_bytes(small_program())
    path.chmod(0o755)
    try:
        subprocess.run([path], check=False)
    except OSError as error:
        require(condition=False, reason=f"this kernel runs no 32-bit programs: {error}")

    done = trace("--", str(path), at=at)

    reported = "small is a 32-bit program, whose calls mozu does not read: what it does is not seen"
    assert (7, True) == (done.returncode, reported in done.stderr), done.stderr


def test_a_process_that_makes_32_bit_calls_is_reported(at: Path) -> None:
    done = trace("--", "/usr/bin/python3", "-c", INT_80.format(root=str(ROOT)), at=at)

    assert (0, True) == (done.returncode, "makes 32-bit or x32 calls, which mozu does not read" in done.stderr), done
