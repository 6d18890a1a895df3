"""The program whose acts are in the recordings of live sources (live_recordings.py); runs in an empty directory."""

import contextlib
import ctypes
import fcntl
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_FILES = 0x400


def in_child(act: Callable[[], object]) -> None:
    """Run `act` in a process of its own, and wait for it."""
    pid = os.fork()
    if pid == 0:
        try:
            act()
        finally:
            os._exit(3)
    os.waitpid(pid, 0)


def in_thread(act: Callable[[], object]) -> None:
    """Run `act` in a thread of this process, and wait for it."""
    thread = threading.Thread(target=act)
    thread.start()
    thread.join()


def use(*fds: int) -> None:
    """Make a call on each descriptor, so that its object is seen."""
    for fd in fds:
        fcntl.fcntl(fd, fcntl.F_GETFL)
        with contextlib.suppress(OSError):
            os.fchown(fd, -1, -1)


def files() -> None:
    """Use names that are made, followed, moved, missing, relative to directories of every kind."""
    os.makedirs("inner/deep")
    fd = os.open("inner/new", os.O_CREAT | os.O_RDWR | os.O_EXCL, 0o640)
    os.write(fd, b"some text")
    os.ftruncate(fd, 4)
    os.rename("inner/new", "inner/renamed")
    use(fd)
    os.symlink("renamed", "inner/link")
    os.link("inner/renamed", "inner/second")
    os.close(os.open("inner/link", os.O_RDONLY))
    for missing in ("inner/nothing", "nowhere/at/all", "inner/link/below"):
        with contextlib.suppress(OSError):
            os.open(missing, os.O_RDONLY)
    directory = os.open("inner", os.O_RDONLY | os.O_DIRECTORY)
    os.close(os.open("deep/../renamed", os.O_RDONLY, dir_fd=directory))
    os.mkdir("made", dir_fd=directory)
    os.chdir("inner/deep")
    os.close(os.open("../second", os.O_WRONLY | os.O_APPEND))
    os.fchdir(directory)
    use(os.open("link", os.O_RDONLY | os.O_CLOEXEC), os.open(".", os.O_RDONLY), directory)
    os.chmod("second", 0o4755)
    os.fchmod(fd, 0o600)
    os.unlink("second")
    os.rmdir("made", dir_fd=directory)
    os.unlink("renamed")
    use(fd)
    os.chdir("..")


def descriptors() -> None:
    """Use copies of descriptors, and descriptors of objects without a name in a directory."""
    fd = os.open("copied", os.O_CREAT | os.O_RDWR)
    os.dup2(fd, 40)
    os.dup2(fd, 41, inheritable=False)
    fcntl.fcntl(fd, fcntl.F_DUPFD, 50)
    fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 60)
    use(40, 41, 50, 60)
    os.closerange(40, 45)
    reading, writing = os.pipe()
    os.write(writing, b"through a pipe")
    os.read(reading, 14)
    polled = select.epoll()
    use(reading, os.memfd_create("in-memory"), os.eventfd(3), polled.fileno(), os.pidfd_open(os.getpid()))
    use(LIBC.inotify_init1(0), LIBC.timerfd_create(1, 0))


def unshared() -> None:
    """Give this thread a table of descriptors of its own."""
    fd = os.open("copied", os.O_RDONLY)
    LIBC.unshare(CLONE_FILES)
    os.close(fd)
    use(os.open("shown", os.O_CREAT | os.O_WRONLY))


def connections() -> None:
    """Use both ends of TCP, UDP with two peers, unix sockets with and without a path, a port without a listener."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        client = socket.create_connection(listening.getsockname())
        served, _ = listening.accept()
        client.sendall(b"a request")
        served.recv(9)
        served.send(b"an answer")
        client.recv(9)
        client.shutdown(socket.SHUT_RDWR)
        port = listening.getsockname()
    refused = socket.socket()
    refused.connect_ex(port)
    with socket.socket(type=socket.SOCK_DGRAM) as one, socket.socket(type=socket.SOCK_DGRAM) as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        sender = socket.socket(type=socket.SOCK_DGRAM)
        sender.sendto(b"first", one.getsockname())
        sender.sendto(b"second", other.getsockname())
        other.sendmsg([b"back"], [], 0, one.getsockname())
        one.recvfrom(5)
        one.recvmsg(4)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("at-a-path")
        listening.listen()
        near = socket.socket(socket.AF_UNIX)
        near.connect("at-a-path")
        near.send(b"x")
    left, right = socket.socketpair()
    left.send(b"y")
    right.recv(1)


def shell_on_a_socket() -> None:
    """Start a shell whose standard descriptors are a connection."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        client = socket.create_connection(listening.getsockname())
        for fd in range(3):
            os.dup2(client.fileno(), fd)
        os.execve("/bin/sh", ["sh", "-c", "echo $$; exec 3<>inner/link; read x <&3; :"], {"PATH": "/usr/bin:/bin"})


def identities() -> None:
    """Change ids, groups, session, root and name."""
    os.setsid()
    os.setgroups([7, 8])
    os.setresgid(21, 22, 23)
    os.setresuid(11, 0, 13)
    os.chroot(".")
    os.chdir("/inner")
    use(os.open("/copied", os.O_RDONLY))
    LIBC.prctl(15, b"renamed-task", 0, 0, 0)
    os.setresuid(14, 14, 14)
    os.open("/copied", os.O_RDONLY)


def orphan() -> None:
    """Make a grandchild that outlives its parent."""
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.read(reading, 1)
        os.open("copied", os.O_RDONLY)
        os._exit(0)
    os.write(writing, b"x")


def programs() -> None:
    """Run pipelines, a script, a program in memory, one started by a thread, one that is missing, one that is killed.
    """
    subprocess.run(["/bin/sh", "-c", "echo one | cat | tr o 0 > piped; (sleep 0; :) & wait; true"], check=True)
    with open("script", "w") as script:
        script.write("#!/bin/sh\ncat < piped\n")
    os.chmod("script", 0o755)
    subprocess.run(["./script", "argument"], check=True, stdout=subprocess.DEVNULL)
    memory = os.memfd_create("program")
    with open("/bin/true", "rb") as program:
        os.write(memory, program.read())
    in_child(lambda: os.execve(memory, ["from-memory"], {}))
    in_child(lambda: in_thread(lambda: os.execve("/bin/echo", ["echo", "-n"], {})))
    in_child(lambda: os.execve("/nothing", ["nothing"], {}))
    in_child(lambda: os.kill(os.getpid(), signal.SIGKILL))


def main() -> None:
    """Do all acts in turn."""
    files()
    descriptors()
    in_thread(unshared)
    connections()
    for act in (shell_on_a_socket, identities, orphan):
        in_child(act)
    programs()
    sys.exit(5)


if __name__ == "__main__":
    main()
