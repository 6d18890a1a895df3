"""Ways to the same end: shells on a connection, and programs started from where any user may write, each as a script of
Python that runs on the host and in a container that has the host's programs."""

import os
import shlex
import sys
from typing import Final, NamedTuple

SHELL: Final = frozenset(
    {
        "Shell with a connection as its terminal",
        "Connection made the standard input or output of a program",
        "Shell without a script started by an interpreter",
        "Shell or netcat connected out",
        "Tool of connections told to run a program",
    }
)
"""What a shell on a connection raises, by whichever way: one of these."""
TEMPORARY: Final = frozenset(
    {
        "Program run from a temporary directory",
        "Code in a temporary directory run by an interpreter or loader",
        "Library preloaded from a public place",
        "Program executed that the image does not hold",
    }
)
MEMORY: Final = frozenset({"Program run from memory", "Code in a temporary directory run by an interpreter or loader"})
RING: Final = frozenset({"Ring of requests made by an unexpected program"})

_PLACES: Final = tuple(filter(os.path.isdir, dict.fromkeys(("/usr", "/lib", "/lib64", sys.base_prefix))))
BOX: Final = (
    *("--cap-add", "NET_ADMIN", "--security-opt", "seccomp=unconfined", "--tmpfs", "/dev/shm:rw,exec,mode=1777"),
    *(word for place in _PLACES for word in ("--volume", f"{place}:{place}:ro")),
)
"""Options of docker for a container that has the host's interpreters, and where io_uring is not forbidden."""
CTR_BOX: Final = (
    "--net-host",  # the loopback of a network of its own is down
    *("--mount", "type=tmpfs,src=tmpfs,dst=/dev/shm,options=rw:mode=1777"),
    *(word for place in _PLACES for word in ("--mount", f"type=bind,src={place},dst={place},options=rbind:ro")),
)
"""The same for containerd."""


class Way(NamedTuple):
    """One way to an end."""

    end: str
    by: str
    rules: frozenset[str]
    """One of them must be raised by a process that descends from the script."""
    code: str


_HEAD: Final = """
import ctypes, fcntl, mmap, os, pty, shutil, socket, struct, subprocess, sys, threading
call = ctypes.CDLL(None).syscall
server = socket.create_server(("127.0.0.1", 0))
port = server.getsockname()[1]

def connected():
    far = socket.create_connection(("127.0.0.1", port))
    near, _ = server.accept()
    near.sendall(b"exit\\n")
    return far, near

def child(act):
    pid = os.fork()
    if not pid:
        try:
            act()
        finally:
            os._exit(1)
    os.waitpid(pid, 0)

def shell():
    os.execv("/bin/sh", ["sh"])

def words(*texts):
    return (ctypes.c_char_p * (len(texts) + 1))(*texts, None)

def placed(folder):
    path = f"{folder}/mozu-way"
    shutil.copy("/usr/bin/true", path)
    return path
"""
_RING: Final = """
def ring_connect(fd):
    params = ctypes.create_string_buffer(120)
    ring = call(425, 4, params)
    assert ring >= 0
    numbers = struct.unpack("10I", params.raw[:40]); offsets = struct.unpack("8I", params.raw[40:72])
    head, tail, mask, _, _, _, array, _ = offsets
    rings = mmap.mmap(ring, array + 4 * numbers[0], mmap.MAP_SHARED, offset=0)
    entries = mmap.mmap(ring, 64 * numbers[0], mmap.MAP_SHARED, offset=0x10000000)
    to = ctypes.create_string_buffer(struct.pack("=H2s4s8x", 2, struct.pack("!H", port), bytes((127, 0, 0, 1))), 16)
    entries[:64] = struct.pack("=BBHiQQ", 16, 0, 0, fd, 16, ctypes.addressof(to)).ljust(64, b"\\0")
    rings[array:array + 4] = bytes(4)
    rings[tail:tail + 4] = struct.pack("=I", 1)
    assert call(426, ring, 1, 1, 1, 0, 0) == 1
"""
_RELAY: Final = """
def relay(far, read, write):
    write(far.recv(100)); write(b"exit\\n")
    try:
        while data := read():
            far.sendall(data)
    except OSError:
        pass
"""


def _shell(by: str, act: str, rules: frozenset[str] = SHELL) -> Way:
    return Way("shell on a connection", by, rules, _HEAD + act)


_SERVED: Final = (
    'threading.Thread(target=lambda: server.accept()[0].sendall(b"exit\\n"), daemon=True).start()\n'
    'quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}\n'
)
_PERL: Final = (
    "use Socket; socket(S, PF_INET, SOCK_STREAM, 6); connect(S, sockaddr_in($ARGV[0], inet_aton(q(127.0.0.1))));"
    "open(STDIN, q(<&S)); open(STDOUT, q(>&S)); exec(q(sh));"
)
SHELLS: Final = (
    _shell("dup2", "far, near = connected()\nfor n in 0, 1, 2: os.dup2(far.fileno(), n)\nshell()"),
    _shell("dup3", "far, near = connected()\nfor n in 0, 1, 2: call(292, far.fileno(), n, 0)\nshell()"),
    _shell(
        "fcntl",
        "far, near = connected()\n"
        "for n in 0, 1, 2:\n    os.close(n); fcntl.fcntl(far.fileno(), fcntl.F_DUPFD, n)\nshell()",
    ),
    _shell(
        "pipes",
        _RELAY + "far, near = connected()\n"
        "with subprocess.Popen(['sh'], stdin=-1, stdout=-1, bufsize=0) as made:\n"
        "    relay(far, lambda: made.stdout.read(100), made.stdin.write)",
    ),
    _shell(
        "a pseudoterminal",
        _RELAY + "far, near = connected()\npid, master = pty.fork()\nif not pid: os.execvp('sh', ['sh'])\n"
        "relay(far, lambda: os.read(master, 100), lambda data: os.write(master, data))",
    ),
    _shell(
        "io_uring",
        _RING + "far = socket.socket()\nring_connect(far.fileno())\nserver.accept()[0].sendall(b'exit\\n')\n"
        "for n in 0, 1, 2: os.dup2(far.fileno(), n)\nshell()",
    ),
    _shell("io_uring, as such", _RING + "far = socket.socket()\nring_connect(far.fileno())", RING),
    _shell(
        "/dev/tcp",
        _SERVED + "command = f'exec 3<>/dev/tcp/127.0.0.1/{port}; sh <&3 >&3 2>&3 # MARK'\n"
        "subprocess.run(['/usr/bin/bash', '-c', command], **quiet)",
    ),
    _shell("perl", _SERVED + f"subprocess.run(['/usr/bin/perl', '-e', '{_PERL}', str(port)], **quiet)"),
    _shell("python", "far, near = connected()\nsubprocess.run(['sh'], stdin=far, stdout=far, stderr=far)"),
    _shell(
        "netcat",
        "shutil.copy('/usr/bin/true', '/tmp/nc')\nsubprocess.run(['/tmp/nc', '-e', 'sh', '127.0.0.1', '9'])\n"
        "os.remove('/tmp/nc')",
    ),
)

_EXECUTIONS: Final = (
    ("execve", "child(lambda: os.execv(path, ['x']))"),
    (
        "execveat",
        "folder = os.open(os.path.dirname(path), os.O_RDONLY)\n"
        "child(lambda: call(322, folder, b'mozu-way', words(b'x'), words(), 0))",
    ),
    (
        "execveat of a descriptor",
        "fd = os.open(path, os.O_RDONLY)\nchild(lambda: call(322, fd, b'', words(b'x'), words(), 0x1000))",
    ),
    ("/proc/self/fd", "fd = os.open(path, os.O_RDONLY)\nchild(lambda: os.execv(f'/proc/self/fd/{fd}', ['x']))"),
    (
        "a symbolic link",
        "os.makedirs('/run/mozu-way', exist_ok=True); os.symlink(path, '/run/mozu-way/x')\n"
        "child(lambda: os.execv('/run/mozu-way/x', ['x'])); shutil.rmtree('/run/mozu-way')",
    ),
    ("an interpreter", "open(path, 'w').write('exit'); subprocess.run(['sh', path])"),
    ("the script's own first line", "open(path, 'w').write('#!/bin/sh\\nexit'); subprocess.run([path])"),
    ("ld.so", "subprocess.run(['/lib64/ld-linux-x86-64.so.2', path])"),
)
_NAMELESS: Final = """
fd = os.open(folder, os.O_TMPFILE | os.O_RDWR, 0o755)
os.write(fd, open("/usr/bin/true", "rb").read())
fixed = os.open(f"/proc/self/fd/{fd}", os.O_RDONLY)
os.close(fd)
child(lambda: os.execv(f"/proc/self/fd/{fixed}", ["x"]))
"""
_MEMFD: Final = "fd = os.memfd_create('x')\nos.write(fd, open('/usr/bin/true', 'rb').read())\n"


def _from(folder: str, rules: frozenset[str]) -> tuple[Way, ...]:
    end, head = f"execution from {folder}", f"{_HEAD}\npath = placed({folder!r})\n"
    plain = [Way(end, by, rules, f"{head}{act}\nos.remove(path)") for by, act in _EXECUTIONS]
    return (*plain, Way(end, "O_TMPFILE", rules, f"{_HEAD}\nfolder = {folder!r}\n{_NAMELESS}"))


EXECUTIONS: Final = (
    *_from("/tmp", TEMPORARY),
    *_from("/dev/shm", MEMORY),
    Way(
        "execution from /tmp",
        "LD_PRELOAD",
        TEMPORARY,
        f"{_HEAD}\nsubprocess.run(['/usr/bin/true'], env={{'LD_PRELOAD': '/tmp/mozu-way.so'}}, stderr=-3)",
    ),
    Way(
        "execution from memory",
        "/proc/self/fd",
        MEMORY,
        f"{_HEAD}{_MEMFD}child(lambda: os.execv(f'/proc/self/fd/{{fd}}', ['x']))",
    ),
    Way(
        "execution from memory",
        "execveat",
        MEMORY,
        f"{_HEAD}{_MEMFD}child(lambda: call(322, fd, b'', words(b'x'), words(), 0x1000))",
    ),
)
WAYS: Final = (*SHELLS, *EXECUTIONS)


def marker(number: int) -> str:
    """What the command line of a way's script, or that of its parent, holds."""
    return f"mozu-way-{number:02d}"


def script(python: str) -> str:
    """All of them, for sh in a container."""
    return "exec < /dev/null > /dev/null 2>&1\n" + "\n".join(map(shlex.join, commands(python)))


def commands(python: str) -> list[list[str]]:
    """A command for each of WAYS. The shell stays, as a parent that is known by its marker."""
    made = []
    for number, way in enumerate(WAYS):
        mark = marker(number)
        made.append(["sh", "-c", '"$@"; :', mark, python, "-c", f"# {mark}\n{way.code.replace('MARK', mark)}"])
    return made
