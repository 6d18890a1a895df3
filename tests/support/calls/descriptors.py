"""Descriptors: made, copied, changed, closed."""

import errno
import fcntl
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.support.calls.making import call, give, place, room
from tests.support.calls.reported import ANY, Names, Reported, reported

BAD: Final = 999
EBADF, EINVAL = -errno.EBADF, -errno.EINVAL


def copies(at: Path) -> Iterator[Reported]:
    file = give(at / "file")
    yield reported("dup", call("dup", file), file, fd="file", name=str(at / "file"))
    yield reported("dup", call("dup", BAD), BAD)
    yield reported("dup2", call("dup2", file, 40), file, 40, fd="file")
    yield reported("dup2", call("dup2", BAD, 40), BAD, 40)
    yield reported("dup3", call("dup3", file, 41, os.O_CLOEXEC), file, 41, Names("O_CLOEXEC"), fd="file")
    yield reported("dup3", call("dup3", file, file, 0), file, file, 0)
    yield reported(
        "fcntl", call("fcntl", file, fcntl.F_DUPFD_CLOEXEC, 50), file, Names("F_DUPFD_CLOEXEC"), 50, fd="file"
    )
    yield reported("fcntl", call("fcntl", file, 4, os.O_APPEND), file, Names("F_SETFL"), os.O_APPEND)
    yield reported("fcntl", call("fcntl", BAD, 3, 0), BAD, Names("F_GETFL"), 0)
    yield reported("close", call("close", 40), 40)
    yield reported("close", call("close", BAD), BAD)
    yield reported("close_range", call("close_range", 40, 60, 0), 40, 60, 0)
    yield reported("close_range", call("close_range", 60, 40, 4), 60, 40, Names("CLOSE_RANGE_CLOEXEC"))


def files(at: Path) -> Iterator[Reported]:
    file, name = give(at / "file", b"content"), str(at / "file")
    directory = os.open(at, os.O_RDONLY)
    yield reported("ioctl", call("ioctl", file, 0x541B, room(4)), file, 0x541B, ANY, fd="file")
    yield reported("ioctl", call("ioctl", file, 0x5401, 0), file, 0x5401, 0, fd="file")
    yield reported("flock", call("flock", file, 6), file, Names("LOCK_EX|LOCK_NB"), fd="file", name=name)
    yield reported("flock", call("flock", BAD, 8), BAD, Names("LOCK_UN"))
    yield reported("fchmod", call("fchmod", file, 0o640), file, 0o640, fd="file", name=name)
    yield reported("fchmod", call("fchmod", BAD, 0o640), BAD, 0o640)
    yield reported("fchown", call("fchown", file, 12, 34), file, 12, 34, fd="file", name=name)
    yield reported("fchown", call("fchown", BAD, 12, 34), BAD, 12, 34)
    yield reported("lseek", call("lseek", file, 3, 0), file, 3, Names("SEEK_SET"), fd="file", name=name)
    yield reported("lseek", call("lseek", file, -99, 1), file, (1 << 64) - 99, Names("SEEK_CUR"))
    yield reported("fstat", call("fstat", file, room(200)), file, fd="file", name=name)
    yield reported("fstat", call("fstat", BAD, room(200)), BAD)
    for kind in ("getdents", "getdents64"):
        yield reported(kind, call(kind, directory, room(4096), 4096), directory, fd="directory", name=str(at))
        os.lseek(directory, 0, 0)
        yield reported(kind, call(kind, file, room(4096), 4096), file, fd="file")


def numbers(at: Path) -> Iterator[Reported]:
    yield reported("epoll_create", call("epoll_create", 7), 7, fd="eventpoll")
    yield reported("epoll_create", call("epoll_create", 0), 0)
    yield reported("epoll_create1", call("epoll_create1", 0o2000000), Names("EPOLL_CLOEXEC"), fd="eventpoll")
    yield reported("epoll_create1", call("epoll_create1", 1), 0)
    yield reported("eventfd", call("eventfd", 7), 7, 0, fd="event")
    yield reported("eventfd2", call("eventfd2", 8, 0o2004000), Names("O_CLOEXEC|O_NONBLOCK"), 8, fd="event")
    yield reported("eventfd2", call("eventfd2", 8, 0x40000000), ANY, 8)
    yield reported("inotify_init", call("inotify_init"), 0, fd="inotify")
    yield reported("inotify_init1", call("inotify_init1", 0o2000000), Names("O_CLOEXEC"), fd="inotify")
    yield reported("inotify_init1", call("inotify_init1", 1), ANY)
    yield reported("timerfd_create", call("timerfd_create", 1, 0), 1, 0, fd="timerfd")
    yield reported("timerfd_create", call("timerfd_create", 99, 0), 99, 0)
    result = call("memfd_create", "thing", 1)
    yield reported("memfd_create", result, "thing", Names("MFD_CLOEXEC"), fd="memfd", name="thing")
    yield reported("memfd_create", call("memfd_create", "thing", 0x80000000), "thing", 0)
    yield reported("userfaultfd", call("userfaultfd", 0o2000000), Names("O_CLOEXEC"), fd="userfaultfd")
    yield reported("userfaultfd", call("userfaultfd", 0x40000000), 0)
    mask = 1 << 9 | 1 << 11
    given = room(struct.pack("<Q", mask))
    first = call("signalfd", -1, given, 8)
    yield reported("signalfd", first, -1, mask, 0, fd="signalfd")
    yield reported("signalfd", call("signalfd", BAD, given, 8), BAD, mask, 0)
    made = call("signalfd4", -1, given, 8, 0o2000000)
    yield reported("signalfd4", made, Names("O_CLOEXEC"), -1, mask, fd="signalfd")
    yield reported("signalfd4", call("signalfd4", -1, 0, 8, 0), 0, -1, 0)


def pairs(at: Path) -> Iterator[Reported]:
    fds = room(8)
    for kind, more, shown in (("pipe", (), ()), ("pipe2", (os.O_CLOEXEC,), (Names("O_CLOEXEC"),))):
        result = call(kind, fds, *more)
        one, other = place(fds, "ii")
        yield reported(kind, result, one, other, os.fstat(one).st_ino, *shown, fd="pipe")
        yield reported(kind, call(kind, 0, *more), -1, -1, 0, *shown)
    result = call("socketpair", 1, 2, 0, fds)
    one, other = place(fds, "ii")
    yield reported("socketpair", result, one, other, ANY, ANY, Names("AF_LOCAL|AF_UNIX"), 2, 0, fd="unix")
    yield reported("socketpair", call("socketpair", 2, 1, 0, fds), -1, -1, 0, 0, Names("AF_INET"), 1, 0)


def processes(at: Path) -> Iterator[Reported]:
    own = os.getpid()
    pidfd = call("pidfd_open", own, 0)
    yield reported("pidfd_open", pidfd, own, 0, fd="pidfd")
    yield reported("pidfd_open", call("pidfd_open", 999_999_999, 0o4000), 999_999_999, Names("PIDFD_NONBLOCK"))
    file = give(at / "file")
    yield reported("pidfd_getfd", call("pidfd_getfd", pidfd, file, 0), pidfd, file, 0, fd="file")
    yield reported("pidfd_getfd", call("pidfd_getfd", pidfd, BAD, 0), pidfd, BAD, 0)
    space = os.open("/proc/self/ns/uts", os.O_RDONLY)
    yield reported("setns", call("setns", space, 0x4000000), space, Names("CLONE_NEWUTS"))
    yield reported("setns", call("setns", BAD, 0), BAD, 0)


def rings(at: Path) -> Iterator[Reported]:
    given = room(struct.pack("<6I", 0, 0, 8, 0, 0, 0) + bytes(96))
    made = call("io_uring_setup", 4, given)
    entries, more, _, cpu, idle, _ = place(given, "6I")
    shown = (made, 4, entries, more, Names("IORING_SETUP_CQSIZE"), cpu, idle, ANY)
    yield reported("io_uring_setup", *shown, fd=None if made < 0 else "io_uring")
    plain = room(120)
    made = call("io_uring_setup", 4, plain)
    entries, more, *_ = place(plain, "6I")
    yield reported("io_uring_setup", made, 4, entries, more, 0, 0, 0, ANY, fd="io_uring")
    mask = room(struct.pack("<Q", 1 << 9))
    result = call("io_uring_enter", made, 0, 0, 0, mask, 8)
    yield reported("io_uring_enter", result, made, 0, 0, 0, 1 << 9, fd="io_uring")
    result = call("io_uring_enter", BAD, 1, 2, 1, 0, 8)
    yield reported("io_uring_enter", result, BAD, 1, 2, Names("IORING_ENTER_GETEVENTS"), 0)
    event = call("eventfd2", 0, 0)
    fds = room(struct.pack("<i", event))
    done = call("io_uring_register", made, 4, fds, 1)
    yield reported("io_uring_register", done, made, Names("IORING_REGISTER_EVENTFD"), fds, 1, fd="io_uring")
    result = call("io_uring_register", BAD, 4, fds, 1)
    yield reported("io_uring_register", result, BAD, Names("IORING_REGISTER_EVENTFD"), fds, 1)


def file_systems(at: Path) -> Iterator[Reported]:
    context = call("fsopen", "tmpfs", 0)
    done = call("fsconfig", context, 1, "size", "1048576", 0)
    yield reported("fsconfig", done, context, Names("FSCONFIG_SET_STRING"), "size", b"", "1048576", 0)
    failed = call("fsconfig", context, 2, "source", room(b"\x01\x02\x03"), 3)
    yield reported("fsconfig", failed, context, Names("FSCONFIG_SET_BINARY"), "source", b"", None, 3)
    result = call("fsconfig", context, 6, None, None, 0)
    yield reported("fsconfig", result, context, Names("FSCONFIG_CMD_CREATE"), None, b"", None, 0)


def handles(at: Path) -> Iterator[Reported]:
    path = at / "file"
    os.close(give(path, b"x"))
    handle, mount = room(struct.pack("<Ii", 128, 0) + bytes(128)), room(4)
    directory = os.open(at, os.O_RDONLY)
    if call("name_to_handle_at", -100, str(path), handle, mount, 0) == 0:
        fd = call("open_by_handle_at", directory, handle, os.O_RDONLY)
        status = os.fstat(fd) if fd >= 0 else None
        shown = (str(path), status.st_dev, status.st_ino) if status else (None, 0, 0)
        yield reported("open_by_handle_at", fd, directory, Names("O_RDONLY"), *shown, fd="file" if status else None)
    bad = room(struct.pack("<Ii", 0, 0))
    result = call("open_by_handle_at", directory, bad, 1)
    yield reported("open_by_handle_at", result, directory, Names("O_WRONLY"), None, 0, 0)


TRIGGERS = [copies, files, numbers, pairs, processes, rings, file_systems, handles]
