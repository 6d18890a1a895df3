"""Names: opened, made, changed, removed. Relative ones start from a working directory of the trigger's own."""

import os
import struct
from collections.abc import Iterator
from pathlib import Path

from tests.support.calls.making import call, give, room
from tests.support.calls.reported import ANY, Names, Reported, reported


def _opened(fd: int) -> tuple[int, int]:
    if fd < 0:
        return 0, 0
    status = os.fstat(fd)
    return status.st_dev, status.st_ino


def opens(at: Path) -> Iterator[Reported]:
    os.chdir(at)
    os.close(give("file", b"x"))
    directory, whole = os.open(at, os.O_RDONLY), str(at / "file")
    fd = call("open", "file", os.O_RDWR | os.O_APPEND, 0)
    yield reported("open", fd, "file", Names("O_RDWR|O_APPEND"), 0, *_opened(fd), fd="file", name=whole)
    yield reported("open", call("open", "none", 0, 0), "none", Names("O_RDONLY"), 0, 0, 0, name=str(at / "none"))
    fd = call("openat", directory, "new", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640)
    shown = Names("O_WRONLY|O_CREAT|O_EXCL|O_F_CREATED")
    yield reported("openat", fd, directory, "new", shown, 0o640, *_opened(fd), fd="file", name=str(at / "new"))
    failed = call("openat", -100, "file/x", 0, 0)
    yield reported("openat", failed, -100, "file/x", Names("O_RDONLY"), 0, 0, 0, name=str(at / "file/x"))
    how = struct.pack("<QQQ", os.O_RDONLY, 0, 4 | 8)
    fd = call("openat2", -100, "file", how, 24)
    resolve = Names("RESOLVE_NO_SYMLINKS|RESOLVE_BENEATH")
    yield reported("openat2", fd, -100, "file", Names("O_RDONLY"), 0, resolve, *_opened(fd), fd="file", name=whole)
    failed = call("openat2", -100, "/etc/hosts", how, 24)
    yield reported("openat2", failed, -100, "/etc/hosts", Names("O_RDONLY"), 0, resolve, 0, 0)
    fd = call("creat", "made", 0o600)
    yield reported("creat", fd, "made", 0o600, *_opened(fd), 0, fd="file", name=str(at / "made"))
    yield reported("creat", call("creat", "none/x", 0o600), "none/x", 0o600, 0, 0, 0)


def places(at: Path) -> Iterator[Reported]:
    os.chdir(at)
    (at / "inner").mkdir()
    directory = os.open(at / "inner", os.O_RDONLY)
    yield reported("chdir", call("chdir", "inner"), "inner")
    yield reported("chdir", call("chdir", "none"), "none")
    yield reported("fchdir", call("fchdir", directory), directory, fd="directory", name=str(at / "inner"))
    yield reported("fchdir", call("fchdir", 999), 999)
    yield reported("chroot", call("chroot", "none"), "none")
    yield reported("chroot", call("chroot", str(at / "inner")), str(at / "inner"))


def by_name(at: Path) -> Iterator[Reported]:
    os.chdir(at)
    os.close(give("file", b"x"))
    yield reported("access", call("access", "file", 4), "file", Names("R_OK"))
    yield reported("access", call("access", "none", 6), "none", Names("R_OK|W_OK"))
    for kind in ("stat", "lstat"):
        yield reported(kind, call(kind, "file", room(200)), "file")
        yield reported(kind, call(kind, "none", room(200)), "none")
    result = call("newfstatat", -100, "file", room(200), 0x100)
    yield reported("newfstatat", result, -100, "file", Names("AT_SYMLINK_NOFOLLOW"))
    yield reported("newfstatat", call("newfstatat", 999, "none", room(200), 0), 999, "none", 0)
    yield reported("chmod", call("chmod", "file", 0o4711), "file", 0o4711)
    yield reported("chmod", call("chmod", "none", 0o600), "none", 0o600)
    yield reported("fchmodat", call("fchmodat", -100, "file", 0o644), -100, "file", 0o644)
    yield reported("fchmodat", call("fchmodat", 999, "none", 0o644), 999, "none", 0o644)
    for kind in ("chown", "lchown"):
        yield reported(kind, call(kind, "file", 12, 34), "file", 12, 34)
        yield reported(kind, call(kind, "none", 12, 34), "none", 12, 34)
    flags = Names("AT_SYMLINK_NOFOLLOW")
    yield reported("fchownat", call("fchownat", -100, "file", 1, 2, 0x100), -100, "file", 1, 2, flags)
    yield reported("fchownat", call("fchownat", 999, "none", 1, 2, 0x100), 999, "none", 1, 2, flags)
    yield reported("link", call("link", "file", "second"), "file", "second")
    yield reported("link", call("link", "none", "third"), "none", "third")
    result = call("linkat", -100, "file", -100, "fourth", 0x400)
    yield reported("linkat", result, -100, "file", -100, "fourth", Names("AT_SYMLINK_FOLLOW"))
    yield reported("linkat", call("linkat", -100, "none", 999, "x", 0), -100, "none", 999, "x", 0)
    yield reported("symlink", call("symlink", "/etc/shadow", "link"), "/etc/shadow", "link")
    yield reported("symlink", call("symlink", "x", "file"), "x", "file")
    yield reported("symlinkat", call("symlinkat", "target", -100, "other"), "target", -100, "other")
    yield reported("symlinkat", call("symlinkat", "target", 999, "other"), "target", 999, "other")
    yield reported("rename", call("rename", "second", "moved"), "second", "moved")
    yield reported("rename", call("rename", "none", "x"), "none", "x")
    yield reported("renameat", call("renameat", -100, "moved", -100, "again"), -100, "moved", -100, "again")
    yield reported("renameat", call("renameat", -100, "none", 999, "x"), -100, "none", 999, "x")
    result = call("renameat2", -100, "again", -100, "last", 1)
    yield reported("renameat2", result, -100, "again", -100, "last", Names("RENAME_NOREPLACE"))
    result = call("renameat2", -100, "none", -100, "x", 2)
    yield reported("renameat2", result, -100, "none", -100, "x", Names("RENAME_EXCHANGE"))
    yield reported("unlink", call("unlink", "last"), "last")
    yield reported("unlink", call("unlink", "none"), "none")


def directories(at: Path) -> Iterator[Reported]:
    os.chdir(at)
    yield reported("mkdir", call("mkdir", "one", 0o711), "one", 0o711)
    yield reported("mkdir", call("mkdir", "one", 0o711), "one", 0o711)
    yield reported("mkdirat", call("mkdirat", -100, "two", 0o700), -100, "two", 0o700)
    yield reported("mkdirat", call("mkdirat", 999, "two", 0o700), 999, "two", 0o700)
    yield reported("rmdir", call("rmdir", "one"), "one")
    yield reported("rmdir", call("rmdir", "one"), "one")
    yield reported("unlinkat", call("unlinkat", -100, "two", 0x200), -100, "two", Names("AT_REMOVEDIR"))
    yield reported("unlinkat", call("unlinkat", 999, "two", 0), 999, "two", 0)
    yield reported("mknod", call("mknod", "pipe", 0o10600, 0), "pipe", 0o10600, 0)
    yield reported("mknod", call("mknod", "pipe", 0o10600, 0), "pipe", 0o10600, 0)
    yield reported("mknodat", call("mknodat", -100, "other", 0o10640, 0), -100, "other", 0o10640, 0)
    yield reported("mknodat", call("mknodat", 999, "other", 0o10640, 0), 999, "other", 0o10640, 0)


def mounts(at: Path) -> Iterator[Reported]:
    (at / "on").mkdir()
    where = str(at / "on")
    yield reported("unshare", call("unshare", 0x20000), Names("CLONE_NEWNS"))
    yield reported("unshare", call("unshare", 0x1), 0)
    done = call("mount", "none", where, "tmpfs", 6, None)
    yield reported("mount", done, "none", where, "tmpfs", Names("NOSUID|NODEV"))
    yield reported("mount", call("mount", "none", "/none", "tmpfs", 0, None), "none", "/none", "tmpfs", ANY)
    yield reported("umount2", call("umount2", where, 2), where, Names("DETACH"))
    yield reported("umount2", call("umount2", where, 1), where, Names("FORCE"))


def modules(at: Path) -> Iterator[Reported]:
    """Make the calls on modules, which fail everywhere: the loaded bytes are no module."""
    image, text = room(b"\x7fELF no module"), "debug=1"
    yield reported("init_module", call("init_module", image, 14, text), b"\x7fELF no module", 14, text)
    file = give(at / "module")
    yield reported(
        "finit_module", call("finit_module", file, text, 1), file, text, Names("MODULE_INIT_IGNORE_MODVERSIONS")
    )
    yield reported("delete_module", call("delete_module", "mozu_none", 0o4000), "mozu_none", Names("O_NONBLOCK"))


TRIGGERS = [opens, places, by_name, directories, mounts, modules]
