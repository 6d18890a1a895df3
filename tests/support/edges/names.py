"""Names: relative, through links, through mounts, of bytes that are no text, too long, changed during the call."""

import ctypes
import os
import threading
from collections.abc import Iterator
from pathlib import Path

from tests.support.acts.raw import call
from tests.support.calls.making import give, room
from tests.support.edges.shown import Shown, shown

HERE = -100


def _file(path: Path, content: bytes = b"x") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(give(path, content))


def _open(edge: str, dirfd: int, path: str | bytes, name: str, real: str | None, flags: int = 0) -> Shown:
    result = call("openat", dirfd, path, flags, 0o600)
    res = "SUCCESS" if result >= 0 else None
    fields = {"fd.name": name, "fd.realpath": real}
    return shown(edge, "openat", {**fields, "evt.res": res} if res else fields)


def relative(at: Path) -> Iterator[Shown]:
    _file(at / "file")
    _file(at / "inner" / "deep")
    os.chdir(at)
    inner = os.open(at / "inner", os.O_RDONLY)
    file, deep = str(at / "file"), str(at / "inner/deep")
    yield _open("from the working directory", HERE, "./inner/../file", file, file)
    yield _open("from a directory", inner, "deep", deep, deep)
    yield _open("upwards from a directory", inner, "../file", file, file)
    yield _open("failed, from a directory", inner, "none", str(at / "inner/none"), None)
    yield _open("many slashes", HERE, f"//{at}///inner//deep", deep, deep)
    os.fchdir(inner)
    yield _open("relative after fchdir", HERE, "deep", deep, deep)
    os.rename(at / "inner", at / "moved")
    moved = str(at / "moved/deep")
    yield _open("a directory that was renamed", inner, "deep", moved, moved)
    yield _open("a working directory that was renamed", HERE, "deep", moved, moved)


def links(at: Path) -> Iterator[Shown]:
    _file(at / "real" / "file")
    (at / "way").symlink_to(at / "real")
    (at / "one").symlink_to(at / "real" / "file")
    (at / "nowhere").symlink_to(at / "none")
    (at / "loop").symlink_to(at / "loop")
    real = str(at / "real/file")
    yield _open("through a symlinked directory", HERE, str(at / "way/file"), str(at / "way/file"), real)
    yield _open("a symlinked file", HERE, str(at / "one"), str(at / "one"), real)
    yield _open("a dangling link", HERE, str(at / "nowhere"), str(at / "nowhere"), None)
    call("openat", HERE, str(at / "loop"), 0, 0)
    yield shown("a loop of links", "openat", {"fd.name": str(at / "loop"), "evt.res": "ELOOP"})
    name = f"/proc/self/root{at}/real/file"
    yield _open("the prefix /proc/self/root", HERE, name, name, real)
    os.chdir(at / "way")
    yield _open("relative after chdir through a link", HERE, "file", real, real)
    fd = os.open(real, os.O_RDONLY)
    yield _open("by its number in /proc", HERE, f"/proc/self/fd/{fd}", f"/proc/self/fd/{fd}", real)


def bytes_(at: Path) -> Iterator[Shown]:
    for edge, raw in (("bytes that are no text", b"\xff\xfe\x80"), ("a line and a colour", b"a\nb\x1b[31m")):
        path = os.fsencode(at) + b"/" + raw
        fd = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
        os.close(fd)
        yield _open(edge, HERE, path, os.fsdecode(path), os.fsdecode(path))
    call("openat", HERE, "", 0, 0)
    yield shown("an empty path", "openat", {"evt.res": "ENOENT", "fd.realpath": None, "proc.pid": os.getpid()})


def lengths(at: Path) -> Iterator[Shown]:
    whole = f"{at}/{'./' * 1900}file"
    _file(at / "file")
    yield _open("almost four kilobytes", HERE, whole, str(at / "file"), str(at / "file"))
    call("openat", HERE, "/" + "a" * 300, 0, 0)
    yield shown("a name that is too long", "openat", {"fd.name": "/" + "a" * 300, "evt.res": "ENAMETOOLONG"})
    os.chdir(at)
    for _ in range(200):
        os.mkdir("d")
        os.chdir("d")
    os.close(os.open("end", os.O_CREAT | os.O_RDWR, 0o600))
    call("openat", HERE, "end", 0, 0)
    cut = "/".join(["d"] * 127 + ["end"])
    yield shown("deeper than the walk", "openat", {"fd.realpath": cut}, {"fd.realpath": f"{at}/{'d/' * 200}end"})


def mounts(at: Path) -> Iterator[Shown]:
    _file(at / "inner" / "file")
    (at / "seen").mkdir()
    call("unshare", 0x20000)
    call("mount", None, "/", None, 0x44000, None)
    call("mount", str(at / "inner"), str(at / "seen"), None, 0x1000, None)
    seen = str(at / "seen/file")
    yield _open("below a bind mount", HERE, seen, seen, str(at / "inner/file"))
    call("mount", "none", str(at / "seen"), "tmpfs", 0, None)
    over = str(at / "seen/made")
    yield _open("on a stacked mount", HERE, over, over, over, os.O_CREAT | os.O_RDWR)


def root(at: Path) -> Iterator[Shown]:
    _file(at / "inner" / "file")
    outside = os.open("/etc", os.O_RDONLY)
    os.chroot(at)
    os.chdir("/inner")
    real = str(at / "inner/file")
    yield _open("absolute, in a chroot", HERE, "/inner/file", "/inner/file", real)
    yield _open("relative, in a chroot", HERE, "file", "/inner/file", real)
    yield _open("upwards out of a chroot", HERE, "../../../inner/file", "/inner/file", real)
    yield _open("from outside of a chroot", outside, "hostname", "/etc/hostname", "/etc/hostname")


def nameless(at: Path) -> Iterator[Shown]:
    _file(at / "file")
    fd = os.open(at / "file", os.O_RDONLY)
    os.unlink(at / "file")
    call("openat", HERE, f"/proc/self/fd/{fd}", 0, 0)
    yield shown("a deleted file", "openat", {"fd.name": f"/proc/self/fd/{fd}", "evt.res": "SUCCESS"})
    fd = call("openat", HERE, str(at), os.O_TMPFILE | os.O_RDWR, 0o600)
    status = os.fstat(fd)
    yield shown("a file that never had a name", "openat", {"fd.name": str(at), "fd.ino": status.st_ino})


def changes(at: Path) -> Iterator[Shown]:
    _file(at / "inner" / "file")
    inner = os.open(at / "inner", os.O_RDONLY)
    os.chdir(at)
    call("renameat2", inner, "file", HERE, "moved", 0)
    places = {"fs.path.source": str(at / "inner/file"), "fs.path.target": str(at / "moved")}
    yield shown("a rename between directories", "renameat2", places)
    call("unlinkat", inner, "../moved", 0)
    yield shown("an unlink upwards", "unlinkat", {"fs.path.name": str(at / "moved"), "evt.res": "SUCCESS"})
    call("symlinkat", "/etc/shadow", inner, "link")
    places = {"fs.path.source": str(at / "inner/link"), "fs.path.target": "/etc/shadow"}
    yield shown("a link to a secret", "symlinkat", places)
    call("mkdirat", inner, "made", 0o700)
    yield shown("a directory below another", "mkdirat", {"fs.path.name": str(at / "inner/made")})


def swapped(at: Path) -> Iterator[Shown]:
    """Let another thread write another path into the caller's memory while the kernel waits for a writer."""
    pipe, decoy = str(at / "pipe"), str(at / "decoy")
    os.mkfifo(pipe)
    path = room(os.fsencode(pipe) + b"\0" * 64)

    def swap() -> None:
        while not _waits(main):
            os.sched_yield()
        ctypes.memmove(path, os.fsencode(decoy) + b"\0", len(decoy) + 1)
        os.close(os.open(pipe, os.O_WRONLY))

    main = threading.get_native_id()
    other = threading.Thread(target=swap)
    other.start()
    call("openat", HERE, path, os.O_RDONLY, 0)
    other.join()
    fields = {"fd.name": decoy, "fd.realpath": pipe}
    yield shown("a path that another thread changed", "openat", fields, {"fd.name": pipe})


def _waits(tid: int) -> bool:
    """Return True if a thread sleeps in openat."""
    in_open = Path(f"/proc/self/task/{tid}/syscall").read_text().startswith("257 ")
    return in_open and Path(f"/proc/self/task/{tid}/stat").read_text().rpartition(")")[2].split()[0] == "S"


EDGES = [relative, links, bytes_, lengths, mounts, root, nameless, changes, swapped]
