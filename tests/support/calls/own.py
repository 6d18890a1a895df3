"""Calls whose parameters are mozu's own: attributes, lengths, times and links of files, by path and by descriptor."""

import os
from collections.abc import Iterator
from pathlib import Path

from tests.support.calls.making import call, give, room
from tests.support.calls.reported import Names, Reported, reported


def attributes(at: Path) -> Iterator[Reported]:
    """Call the functions of extended attributes; the file system may refuse them, which is reported as well."""
    os.chdir(at)
    fd, value, place = give("file", b"x"), room(b"value"), room(64)
    for kind in ("setxattr", "lsetxattr"):
        yield reported(kind, call(kind, "file", "user.mozu", value, 5, 0), "file", "user.mozu", 5, 0)
        yield reported(kind, call(kind, "none", "user.mozu", value, 4, 1), "none", "user.mozu", 4, 1)
    yield reported("fsetxattr", call("fsetxattr", fd, "user.other", value, 5, 1), fd, "user.other", 5, 1)
    for kind in ("getxattr", "lgetxattr"):
        yield reported(kind, call(kind, "file", "user.mozu", place, 64), "file", "user.mozu")
    yield reported("fgetxattr", call("fgetxattr", fd, "user.other", place, 64), fd, "user.other")
    for kind in ("listxattr", "llistxattr"):
        yield reported(kind, call(kind, "file", place, 64), "file")
    yield reported("flistxattr", call("flistxattr", fd, place, 64), fd)
    for kind in ("removexattr", "lremovexattr"):
        yield reported(kind, call(kind, "file", "user.mozu"), "file", "user.mozu")
    yield reported("fremovexattr", call("fremovexattr", fd, "user.other"), fd, "user.other")


def changed(at: Path) -> Iterator[Reported]:
    os.chdir(at)
    fd = give("file", b"content")
    mode = Names("S_IXOTH|S_IROTH|S_IXGRP|S_IRGRP|S_IXUSR|S_IWUSR|S_IRUSR|S_ISUID")
    yield reported("fchmodat2", call("fchmodat2", -100, "file", 0o4755, 0), -100, "file", mode, 0)
    flags = Names("AT_SYMLINK_NOFOLLOW")
    yield reported("fchmodat2", call("fchmodat2", 999, "none", 0o644, 0x100), 999, "none", 0o644, flags)
    yield reported("truncate", call("truncate", "file", 3), "file", 3)
    yield reported("truncate", call("truncate", "none", 3), "none", 3)
    yield reported("ftruncate", call("ftruncate", fd, 2), fd, 2)
    yield reported("fallocate", call("fallocate", fd, 0, 0, 10), fd, 0, 0, 10)
    yield reported("utime", call("utime", "file", None), "file")
    yield reported("utimes", call("utimes", "file", None), "file")
    yield reported("utimensat", call("utimensat", -100, "file", None, 0x100), -100, "file", flags)
    yield reported("utimensat", call("utimensat", fd, None, None, 0), fd, None, 0)
    yield reported("futimesat", call("futimesat", -100, "file", None), -100, "file")
    yield reported("umask", call("umask", 0o27), 0o27)


def looked_at(at: Path) -> Iterator[Reported]:
    os.chdir(at)
    os.close(give("file"))
    os.symlink("file", "link")
    directory = os.open(at, os.O_RDONLY)
    yield reported("faccessat", call("faccessat", directory, "file", 4), directory, "file", Names("R_OK"))
    flags = 0x200
    yield reported("faccessat2", call("faccessat2", -100, "file", 2, flags), -100, "file", Names("W_OK"), flags)
    yield reported("readlink", call("readlink", "link", room(64), 64), "link")
    yield reported("readlinkat", call("readlinkat", directory, "link", room(64), 64), directory, "link")
    result = call("statx", -100, "file", 0x100, 0x7FF, room(256))
    yield reported("statx", result, -100, "file", Names("AT_SYMLINK_NOFOLLOW"))
    yield reported("statfs", call("statfs", "file", room(256)), "file")
    watch = call("inotify_init1", 0)
    yield reported("inotify_add_watch", call("inotify_add_watch", watch, "file", 2), watch, "file", 2)
    yield reported("name_to_handle_at", call("name_to_handle_at", -100, "none", room(128), room(8), 0), -100, "none", 0)
    yield reported("swapon", call("swapon", "none", 0), "none", 0)
    yield reported("pivot_root", call("pivot_root", "none", "nothing"), "none", "nothing")


TRIGGERS = [attributes, changed, looked_at]
