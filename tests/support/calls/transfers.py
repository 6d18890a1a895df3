"""Transfers of bytes."""

import os
import struct
from collections.abc import Iterator
from pathlib import Path

from tests.support.calls.making import call, give, iovecs, room
from tests.support.calls.reported import Names, Reported, reported

BAD = 999


def reads(at: Path) -> Iterator[Reported]:
    file, name = give(at / "file", b"hello and world"), str(at / "file")
    yield reported("read", call("read", file, room(100), 5), b"hello", file, 5, fd="file", name=name)
    yield reported("read", call("read", BAD, room(100), 100), b"", BAD, 100)
    yield reported("pread", call("pread64", file, room(100), 100, 6), b"and world", file, 100, 6, fd="file", name=name)
    yield reported("pread", call("pread64", BAD, room(100), 100, 6), b"", BAD, 100, 6)
    os.lseek(file, 0, 0)
    yield reported("readv", call("readv", file, iovecs(3, 100), 2), 15, b"hello and world", file, fd="file", name=name)
    yield reported("readv", call("readv", BAD, iovecs(3, 100), 2), 0, b"", BAD)
    yield reported("preadv", call("preadv", file, iovecs(2, 3), 2, 6, 0), 5, b"and w", file, 6, fd="file", name=name)
    yield reported("preadv", call("preadv", BAD, iovecs(2, 3), 2, 6, 0), 0, b"", BAD, 6)
    long = give(at / "long", bytes(range(256)))
    yield reported("read", call("read", long, room(256), 256), bytes(range(80)), long, 256)


def writes(at: Path) -> Iterator[Reported]:
    file, name = give(at / "file"), str(at / "file")
    yield reported("write", call("write", file, b"hello", 5), b"hello", file, 5, fd="file", name=name)
    yield reported("write", call("write", BAD, b"hello", 5), b"hello", BAD, 5)
    yield reported("pwrite", call("pwrite64", file, b"hello", 5, 100), b"hello", file, 5, 100, fd="file", name=name)
    yield reported("pwrite", call("pwrite64", BAD, b"hello", 5, 100), b"hello", BAD, 5, 100)
    yield reported("writev", call("writev", file, iovecs(b"one", b"two"), 2), b"onetwo", file, 6, fd="file", name=name)
    yield reported("writev", call("writev", BAD, iovecs(b"one", b"two"), 2), b"onetwo", BAD, 6)
    yield reported("pwritev", call("pwritev", file, iovecs(b"one"), 1, 9, 0), b"one", file, 3, 9, fd="file", name=name)
    yield reported("pwritev", call("pwritev", BAD, iovecs(b"one"), 1, 9, 0), b"one", BAD, 3, 9)


def between(at: Path) -> Iterator[Reported]:
    source, target = give(at / "source", b"0123456789"), give(at / "target")
    offset = room(struct.pack("<Q", 4))
    name = str(at / "target")
    sent = call("sendfile", target, source, offset, 3)
    yield reported("sendfile", sent, 4, target, source, 3, fd="file", name=name)
    yield reported("sendfile", call("sendfile", BAD, source, 0, 3), 0, BAD, source, 3)
    one, other = room(struct.pack("<Q", 2)), room(struct.pack("<Q", 5))
    copied = call("copy_file_range", source, one, target, other, 4, 0)
    yield reported("copy_file_range", copied, target, 5, source, 2, 4, fd="file", name=name)
    failed = call("copy_file_range", source, one, BAD, 0, 4, 0)
    yield reported("copy_file_range", failed, BAD, 0, source, 6, 4)
    reader, writer = os.pipe()
    os.write(writer, b"abc")
    result = call("splice", reader, 0, target, 0, 3, 1)
    yield reported("splice", result, reader, target, 3, Names("SPLICE_F_MOVE"), fd="file")
    yield reported("splice", call("splice", BAD, 0, target, 0, 3, 0), BAD, target, 3, 0)


def memory(at: Path) -> Iterator[Reported]:
    own, remote = os.getpid(), iovecs(b"secret")
    local = iovecs(3, 100)
    yield reported("process_vm_readv", call("process_vm_readv", own, local, 2, remote, 1, 0), own, b"secret")
    yield reported("process_vm_readv", call("process_vm_readv", 999_999_999, local, 1, remote, 1, 0), 999_999_999, b"")
    local, remote = iovecs(b"new", b"er"), iovecs(100)
    yield reported("process_vm_writev", call("process_vm_writev", own, local, 2, remote, 1, 0), own, b"newer")
    yield reported(
        "process_vm_writev", call("process_vm_writev", 999_999_999, local, 1, remote, 1, 0), 999_999_999, b""
    )


TRIGGERS = [reads, writes, between, memory]
