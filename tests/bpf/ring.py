"""The ring buffer of ring_model.c: writers that share it by bpf/accounts.h, and a reader at a steady pace."""

import ctypes
import subprocess
from pathlib import Path
from typing import Final, NamedTuple

from tests.support.requirements import ROOT, program

RING: Final = 8 << 20
RECORD: Final = 192
READ: Final = 100_000
"""Records a second that the reader takes, 300 at a time."""
TABS: Final = 64
"""Tabs of each CPU."""
ROOT_UID, OTHER_UID = 0, 65534
COMMON, RESERVED, EXACT = 0, 1, 2


class Writer(NamedTuple):
    """A writer of records by one process, or by another process after a number of records."""

    name: str
    rate: int
    """Records a second."""
    pid: int
    uid: int = ROOT_UID
    cgroup: int = 1
    share: int = COMMON
    forks_after: int = 0
    length: int = RECORD


class _Writer(ctypes.Structure):
    """struct writer."""

    _fields_ = (
        ("cgroup", ctypes.c_uint64),
        *((name, ctypes.c_uint32) for name in ("rate", "pid", "uid", "share", "forks_after", "length")),
        *((name, ctypes.c_uint32) for name in ("written", "refused", "full")),
    )


class Outcome(NamedTuple):
    """The fate of records."""

    written: int = 0
    refused: int = 0
    full: int = 0


def compiled(folder: Path) -> ctypes.CDLL:
    """Compile ring_model.c and return its functions."""
    target = folder / "model.so"
    source = ROOT / "tests/support/ring_model.c"
    options = ("-O1", "-shared", "-fPIC", "-Wall", "-Werror", "-Wno-unknown-pragmas", f"-I{ROOT / 'bpf'}")
    subprocess.run([program("gcc"), *options, "-o", target, source], check=True)
    return ctypes.CDLL(str(target))


def outcome(
    model: ctypes.CDLL,
    *writers: Writer,
    milliseconds: int = 3000,
    seed: int = 1,
    size: int = RING,
    read: int = READ,
    tabs: int = TABS,
) -> dict[str, Outcome]:
    """Run the writers; return the outcomes by the names of the writers."""
    array = (_Writer * len(writers))(
        *(_Writer(one.cgroup, one.rate, one.pid, one.uid, one.share, one.forks_after, one.length) for one in writers)
    )
    model.run(array, len(writers), ctypes.c_uint64(size), ctypes.c_uint64(seed), milliseconds, read, tabs)
    found = dict.fromkeys((one.name for one in writers), Outcome())
    for writer, one in zip(writers, array, strict=True):
        counts = zip(found[writer.name], (one.written, one.refused, one.full), strict=True)
        found[writer.name] = Outcome(*map(sum, counts))
    return found
