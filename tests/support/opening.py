"""Opens of many kinds in the working directory, below a directory of the given name: prints the end of each."""

import ctypes
import errno
import os
import resource
import socket
import sys
import threading
from collections.abc import Callable


def tried(name: str, act: Callable[[], object]) -> None:
    """Print the result of the act, or the name of its error."""
    try:
        print(name, act())
    except OSError as error:
        print(name, errno.errorcode[error.errno or 0])


def opened(path: str, flags: int, mode: int = 0o666, at: int | None = None) -> str:
    """Open a file and return its mode."""
    descriptor = os.open(path, flags, mode, dir_fd=at)
    try:
        return f"{os.fstat(descriptor).st_mode:o}"
    finally:
        os.close(descriptor)


def from_fifo() -> str:
    """Return the text that another thread writes into a FIFO."""
    os.mkfifo("fifo")

    def write() -> None:
        with open("fifo", "w") as file:
            file.write("through")

    thread = threading.Thread(target=write)
    thread.start()
    with open("fifo") as file:
        found = file.read()
    thread.join()
    return found


def until_full() -> None:
    """Open files until the limit stops it."""
    while True:
        os.open("made", os.O_RDONLY)


def main() -> None:
    """Make all opens."""
    os.mkdir(sys.argv[1])
    os.chdir(sys.argv[1])
    write = os.O_CREAT | os.O_WRONLY
    libc = ctypes.CDLL(None, use_errno=True)
    for mask in (0, 0o077):
        os.umask(mask)
        tried(f"umask {mask:o}", lambda mask=mask: opened(f"made{mask}", write))  # type: ignore[misc]  # bound at once
        tried(f"unnamed, umask {mask:o}", lambda: opened(".", os.O_TMPFILE | os.O_RDWR, 0o644))
    for name, target in (("link", "made"), ("dangling", "by-link"), ("loop", "loop")):
        os.symlink(target, name)
    tried("append", lambda: os.write(os.open("made", write | os.O_APPEND), b"abc"))
    tried("exclusive", lambda: opened("made", write | os.O_EXCL))
    tried("exclusive link", lambda: opened("link", write | os.O_EXCL))
    tried("dangling link", lambda: opened("dangling", write))
    tried("link in a loop", lambda: opened("loop", os.O_RDONLY))
    tried("link not followed", lambda: opened("link", os.O_RDONLY | os.O_NOFOLLOW))
    tried("link itself", lambda: opened("link", os.O_PATH | os.O_NOFOLLOW))
    tried("file as directory", lambda: opened("made/", os.O_RDONLY))
    tried("file demanded as directory", lambda: opened("made", os.O_RDONLY | os.O_DIRECTORY))
    tried("directory", lambda: opened(".", os.O_RDONLY))
    tried("directory to write", lambda: opened(".", os.O_WRONLY))
    tried("directory to be made", lambda: opened("new/", write))
    tried("missing", lambda: opened("missing", os.O_RDONLY))
    tried("below what is missing", lambda: opened("missing/file", write))
    tried("empty", lambda: opened("", os.O_RDONLY))
    tried("too long", lambda: opened("x" * 300, os.O_RDONLY))
    tried("no path", lambda: (libc.open(None, 0), errno.errorcode[ctypes.get_errno()]))
    tried("no such descriptor", lambda: opened("x", os.O_RDONLY, at=99))
    directory, file = os.open(".", os.O_RDONLY), os.open("made", os.O_RDONLY)
    tried("below a descriptor", lambda: opened("inner", write, 0o600, directory))
    tried("below a file's descriptor", lambda: opened("x", os.O_RDONLY, at=file))
    tried("by /dev/fd", lambda: os.read(os.open(f"/dev/fd/{file}", os.O_RDONLY), 9))
    tried("kept by an exec", lambda: os.get_inheritable(libc.open(b"made", os.O_RDONLY)))
    tried("not kept by an exec", lambda: os.get_inheritable(libc.open(b"made", os.O_RDONLY | os.O_CLOEXEC)))
    tried("null", lambda: os.write(os.open("/dev/null", os.O_WRONLY), b"x"))
    tried("fifo", from_fifo)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        tried("socket", lambda: opened("socket", os.O_RDONLY))
    tried("own name", lambda: os.read(os.open("/proc/self/comm", os.O_RDONLY), 6))
    tried("name of the thread", lambda: os.read(os.open("/proc/thread-self/comm", os.O_RDONLY), 6))
    tried("own memory", lambda: opened("/proc/self/mem", os.O_RDONLY))
    os.unlink("made")
    tried("unlinked", lambda: os.read(os.open(f"/proc/self/fd/{file}", os.O_RDONLY), 9))
    os.close(os.open("made", write))
    os.mkdir("closed", 0)
    tried("not to be searched", lambda: opened("closed/file", os.O_RDONLY))
    resource.setrlimit(resource.RLIMIT_NOFILE, (60, 60))
    tried("one too many", until_full)


if __name__ == "__main__":
    main()
