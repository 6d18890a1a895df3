"""A program executed from where any user may write, and from memory."""

from typing import Final

from tests.support.triggers.ways.way import HEAD, Way

TEMPORARY: Final = frozenset(
    {
        "Program run from a temporary directory",
        "Code in a temporary directory run by an interpreter or loader",
        "Library preloaded from a public place",
        "Program executed that the image does not hold",
    }
)
MEMORY: Final = frozenset({"Program run from memory", "Code in a temporary directory run by an interpreter or loader"})

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
        "child(lambda: os.execv('/run/mozu-way/x', ['x'])); os.unlink('/run/mozu-way/x'); os.rmdir('/run/mozu-way')",
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
    end, head = f"execution from {folder}", f"{HEAD}\npath = placed({folder!r})\n"
    plain = [Way(end, by, rules, f"{head}{act}\nos.remove(path)") for by, act in _EXECUTIONS]
    return (*plain, Way(end, "O_TMPFILE", rules, f"{HEAD}\nfolder = {folder!r}\n{_NAMELESS}"))


EXECUTIONS: Final = (
    *_from("/tmp", TEMPORARY),
    *_from("/dev/shm", MEMORY),
    Way(
        "execution from /tmp",
        "LD_PRELOAD",
        TEMPORARY,
        f"{HEAD}\nsubprocess.run(['/usr/bin/true'], env={{'LD_PRELOAD': '/tmp/mozu-way.so'}}, stderr=-3)",
    ),
    Way(
        "execution from memory",
        "/proc/self/fd",
        MEMORY,
        f"{HEAD}{_MEMFD}child(lambda: os.execv(f'/proc/self/fd/{{fd}}', ['x']))",
    ),
    Way(
        "execution from memory",
        "execveat",
        MEMORY,
        f"{HEAD}{_MEMFD}child(lambda: call(322, fd, b'', words(b'x'), words(), 0x1000))",
    ),
)
