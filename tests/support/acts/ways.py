"""Ways to the same file: each opens it by another path, or without one. Meant for a child that ends afterwards."""

import ctypes
import os
import shutil
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tests.support.acts import int80, io_uring
from tests.support.acts.raw import call

_libc = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNS: Final = 0x20000
_MS_BIND, _MS_REC, _MS_PRIVATE = 0x1000, 0x4000, 0x40000
_AT_FDCWD: Final = -100
_OPEN_TREE_CLONE: Final = 1
_HANDLE: Final = struct.Struct("<Ii128s")
_NO_PATH: Final = 0o10000000


def go(way: str, path: str, work: str, flags: int) -> int:
    """Open a file by a way; return the descriptor, or -errno. `work`: directory for files that the way needs."""
    return WAYS[way](path, work, flags)


def _open(path: str, flags: int) -> int:
    return call("openat", _AT_FDCWD, path, flags, 0o600)


def _mounted(source: str | None, target: str, kind: str | None, flags: int, data: str | None) -> None:
    """Mount in a private mount namespace. Raises OSError."""
    if _libc.unshare(_CLONE_NEWNS) or _libc.mount(None, b"/", None, _MS_REC | _MS_PRIVATE, None):
        raise OSError(ctypes.get_errno(), "unshare")
    Path(target).mkdir(exist_ok=True)
    texts = [None if text is None else os.fsencode(text) for text in (source, target, kind, data)]
    if _libc.mount(texts[0], texts[1], texts[2], flags, texts[3]):
        raise OSError(ctypes.get_errno(), "mount")


def _bind(path: str, work: str, flags: int) -> int:
    directory, name = os.path.split(path)
    _mounted(directory, f"{work}/bound", None, _MS_BIND, None)
    return _open(f"{work}/bound/{name}", flags)


def _bind_and_chroot(path: str, work: str, flags: int) -> int:
    directory, name = os.path.split(path)
    _mounted(directory, f"{work}/bound", None, _MS_BIND, None)
    os.chroot(f"{work}/bound")
    return _open(f"/{name}", flags)


def _chroot(path: str, work: str, flags: int) -> int:
    directory, name = os.path.split(path)
    os.chroot(directory)
    return _open(f"/{name}", flags)


def _linked(path: str, work: str, flags: int) -> int:
    os.symlink(path, f"{work}/link")
    return _open(f"{work}/link", flags)


def _linked_directory(path: str, work: str, flags: int) -> int:
    directory, name = os.path.split(path)
    os.symlink(directory, f"{work}/link")
    return _open(f"{work}/link/{name}", flags)


def _from_directory(path: str, work: str, flags: int) -> int:
    directory, name = os.path.split(path)
    os.chdir(directory)
    return _open(f"/proc/self/cwd/{name}", flags)


def _from_descriptor(path: str, work: str, flags: int) -> int:
    seen = os.open(path, _NO_PATH)
    return _open(f"/proc/self/fd/{seen}", flags)


def _by_handle(path: str, work: str, flags: int) -> int:
    handle = ctypes.create_string_buffer(_HANDLE.pack(128, 0, b""))
    mount = ctypes.c_int()
    found = call("name_to_handle_at", _AT_FDCWD, path, ctypes.addressof(handle), ctypes.addressof(mount), 0)
    if found < 0:
        return found
    directory = os.open(work, os.O_RDONLY)
    return call("open_by_handle_at", directory, ctypes.addressof(handle), flags & ~(os.O_CREAT | os.O_TRUNC))


def _by_tree(path: str, work: str, flags: int) -> int:
    directory, name = os.path.split(path)
    tree = call("open_tree", _AT_FDCWD, directory, _OPEN_TREE_CLONE)
    return tree if tree < 0 else call("openat", tree, name, flags, 0o600)


def _long(path: str, work: str, flags: int) -> int:
    directory, name = os.path.split(path)
    last = f"/../{os.path.basename(directory)}"
    return _open(directory + last * ((3900 - len(path)) // len(last)) + f"/{name}", flags)


def _openat2(path: str, work: str, flags: int) -> int:
    return call("openat2", _AT_FDCWD, path, struct.pack("<QQQ", flags, 0o600 if flags & os.O_CREAT else 0, 0), 24)


def _compat(path: str, work: str, flags: int) -> int:
    return int80.call("open", [path.encode(), flags, 0o600])


WAYS: Final[dict[str, Callable[[str, str, int], int]]] = {
    "open": lambda path, work, flags: call("open", path, flags, 0o600),
    "openat": lambda path, work, flags: _open(path, flags),
    "openat2": _openat2,
    "32-bit": _compat,
    "io_uring": lambda path, work, flags: io_uring.opened(path, "/", flags),
    "io_uring, polled": lambda path, work, flags: io_uring.opened(path, "/", flags, io_uring.SQPOLL),
    "symbolic link": _linked,
    "linked directory": _linked_directory,
    "bind mount": _bind,
    "bind mount and chroot": _bind_and_chroot,
    "chroot": _chroot,
    "/proc/self/root": lambda path, work, flags: _open(f"/proc/self/root{path}", flags),
    "/proc/self/cwd": _from_directory,
    "/proc/self/fd": _from_descriptor,
    "open_by_handle_at": _by_handle,
    "open_tree": _by_tree,
    "a long path": _long,
}
"""Name → (path, directory for files that the way needs, flags) → descriptor or -errno."""


def by_program(program: str, path: str, work: str, name: str) -> int:
    """Read the file by a copy of a program under another name; return the exit status."""
    copy = shutil.copy(program, f"{work}/{name}")
    return subprocess.run([copy, path], stdout=subprocess.DEVNULL).returncode


def by_link(program: str, path: str, work: str, name: str) -> int:
    """Read the file through a symbolic link of that name to the program; return the exit status."""
    os.symlink(program, f"{work}/{name}")
    return subprocess.run([f"{work}/{name}", path], stdout=subprocess.DEVNULL).returncode


def by_script(program: str, path: str, work: str, name: str) -> int:
    """Read the file by a script whose relative path is that of a trusted program; return the exit status."""
    directory = f"{work}/usr/sbin"
    os.makedirs(directory)
    with open(f"{directory}/{name}", "w") as script:
        script.write(f"#!/bin/sh\nread -r line < {path}\n")
    os.chmod(script.name, 0o755)
    return subprocess.run([f"usr/sbin/{name}"], cwd=work, stdout=subprocess.DEVNULL).returncode


def run(*command: str) -> int:
    """Run a command; return its exit status."""
    return subprocess.run(command, stdout=subprocess.DEVNULL).returncode
