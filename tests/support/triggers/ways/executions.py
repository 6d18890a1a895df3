"""Ways to execute a program from a public directory, and from memory."""

from typing import Final

from tests.support.triggers.ways.way import HEAD, Way

TEMPORARY: Final = frozenset(
    {
        "Program run from a temporary directory",
        "Code in a temporary directory run by an interpreter or loader",
        "Library preloaded from a world-writable directory",
        "Program executed that is not in the image",
    }
)
MEMORY: Final = frozenset({"Program run from memory", "Code in a temporary directory run by an interpreter or loader"})
NAMELESS: Final = frozenset({"Deleted or nameless code opened", "Library preloaded from a world-writable directory"})
"""Rules for code that an interpreter, a loader or LD_PRELOAD reaches by the path of a descriptor."""

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
    (
        "an interpreter, from within",
        "open(path, 'w').write('exit'); os.chdir(os.path.dirname(path)); subprocess.run(['sh', 'mozu-way'])",
    ),
    (
        "the script's own first line, from within",
        "open(path, 'w').write('#!/bin/sh\\nexit'); os.chdir(os.path.dirname(path)); subprocess.run(['./mozu-way'])",
    ),
    ("standard input", "open(path, 'w').write('exit'); subprocess.run(['sh'], stdin=open(path))"),
    ("ld.so", "subprocess.run(['/lib64/ld-linux-x86-64.so.2', path])"),
)
_OF_NO_NAME: Final = """
def nameless(folder, content):
    fd = os.open(folder, os.O_TMPFILE | os.O_RDWR, 0o755)
    os.write(fd, content)
    return fixed(fd)

def in_memory(content):
    fd = os.memfd_create("x")
    os.write(fd, content)
    return fixed(fd)

def fixed(fd):  # a file that is open for writing is not executed
    again = os.open(f"/proc/self/fd/{fd}", os.O_RDONLY)
    os.set_inheritable(again, True)
    os.close(fd)
    return again

def run(fd, *before, **environment):
    subprocess.run([*before], pass_fds=[fd], env={**os.environ, **environment}, stderr=-3, timeout=20)

program, script = open("/usr/bin/true", "rb").read(), b"#!/bin/sh\\nexit"
"""
_EXECUTED: Final = (
    ("/proc/self/fd", "program", "child(lambda: os.execv(f'/proc/self/fd/{fd}', ['x']))"),
    ("execveat", "program", "child(lambda: call(322, fd, b'', words(b'x'), words(), 0x1000))"),
    (
        "a symbolic link to /proc/self/fd",
        "program",
        "os.makedirs('/run/mozu-way', exist_ok=True); os.symlink(f'/proc/self/fd/{fd}', '/run/mozu-way/y')\n"
        "child(lambda: os.execv('/run/mozu-way/y', ['x'])); os.unlink('/run/mozu-way/y'); os.rmdir('/run/mozu-way')",
    ),
)
_BY_OTHERS: Final = (
    ("python /proc/self/fd", "b''", "run(fd, sys.executable, f'/proc/self/fd/{fd}')"),
    ("sh /dev/fd", "b'exit'", "run(fd, 'sh', f'/dev/fd/{fd}')"),
    ("execveat of a script", "script", "child(lambda: call(322, fd, b'', words(b'x'), words(), 0x1000))"),
    ("ld.so /proc/self/fd", "program", "run(fd, '/lib64/ld-linux-x86-64.so.2', f'/proc/self/fd/{fd}')"),
    ("LD_PRELOAD=/proc/self/fd", "program", "run(fd, '/usr/bin/true', LD_PRELOAD=f'/proc/self/fd/{fd}')"),
)
"""Ways in which the program that runs has a name, but its code has none."""


def _from(folder: str, rules: frozenset[str]) -> tuple[Way, ...]:
    end, head = f"execution from {folder}", f"{HEAD}\npath = placed({folder!r})\n"
    plain = [Way(end, by, rules, f"{head}{act}\nos.remove(path)") for by, act in _EXECUTIONS]
    return (*plain, *_without_name(end, "O_TMPFILE, ", f"nameless({folder!r}, CONTENT)", rules))


def _without_name(end: str, prefix: str, made: str, rules: frozenset[str]) -> tuple[Way, ...]:
    """Return ways to execute a file that no directory holds; its content differs each time."""
    both = (*((one, rules) for one in _EXECUTED), *((one, NAMELESS) for one in _BY_OTHERS))
    head = f"{HEAD}{_OF_NO_NAME}fd = "
    return tuple(
        Way(end, f"{prefix}{by}", which, f"{head}{made.replace('CONTENT', content)}\n{act}")
        for (by, content, act), which in both
    )


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
        "execution from /dev/shm",
        "LD_PRELOAD",
        TEMPORARY,
        f"{HEAD}\nsubprocess.run(['/usr/bin/true'], env={{'LD_PRELOAD': '/dev/shm/mozu-way.so'}}, stderr=-3)",
    ),
    *_without_name("execution from memory", "", "in_memory(CONTENT)", MEMORY),
)
