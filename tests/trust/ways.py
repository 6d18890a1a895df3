"""Ways to read a trap and to pass for a spared process: each a command, of tests/support/trust.c."""

import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from tests.support.build import HERE
from tests.support.requirements import program

SPARED: Final = ("/usr/bin/dbus-daemon", "/usr/bin/conmon", "/lib/systemd/systemd", "/usr/sbin/sshd", "/usr/bin/crun")
"""Protected executables that a user may run and a linker loads, if the machine has them."""
TOO_SOON: Final = "the same, and the one that has opened ends at once"
"""Name of a way that mozu does not detect, as docs/operate/responders.md says."""
_LIBRARY_OF: Final = "libexpat.so.1"
"""A library of dbus-daemon without versions of its symbols."""


class Way(NamedTuple):
    """A way to be spared."""

    name: str
    command: Sequence[str]


class Tools(NamedTuple):
    """The programs that commands run, in a directory that every user may search."""

    folder: Path
    trust: str
    library: str


def built(folder: Path) -> Tools:
    """Compile the programs."""
    tools = Tools(folder, str(folder / "trust"), str(folder / "trust.so"))
    source = str(HERE / "trust.c")
    subprocess.run([program("gcc"), "-O2", "-o", tools.trust, source], check=True)
    subprocess.run([program("gcc"), "-O2", "-DLIBRARY", "-shared", "-fPIC", "-o", tools.library, source], check=True)
    return tools


def ways(tools: Tools, spared: Sequence[str] = SPARED) -> Iterator[Way]:
    """Yield all ways that this machine allows; most of them run `spared[0]`."""
    there = [path for path in spared if os.access(path, os.X_OK)]
    first = there[0]
    yield Way("nothing", [tools.trust, "plain"])
    yield Way("the names of a session's daemons", [tools.trust, "named"])
    yield Way("a copy named dbus-daemon", [tools.trust, "copied", "dbus-daemon"])
    yield Way("a program in memory", [tools.trust, "in-memory"])
    yield Way("a program that is deleted", [tools.trust, "deleted"])
    for path in there:
        yield Way(f"LD_PRELOAD, {path}", _loading(path, LD_PRELOAD=tools.library))
        yield Way(f"LD_AUDIT, {path}", _loading(path, LD_AUDIT=tools.library))
    if first.endswith("/dbus-daemon"):
        yield Way("LD_LIBRARY_PATH", _loading(first, LD_LIBRARY_PATH=str(_stubs(tools, first))))
    preloading = _loading(first, LD_PRELOAD=tools.library)
    yield Way("ptrace", [tools.trust, "injected", first, "--session"])
    yield Way("a hard link, LD_PRELOAD", [tools.trust, "hard-link", first, tools.library])
    yield Way("an orphan of process 1, LD_PRELOAD", [tools.trust, "orphan", *preloading])
    yield Way("root of a user namespace", [tools.trust, "user-namespace"])
    yield Way("root of a user namespace, LD_PRELOAD", [tools.trust, "user-namespace", *preloading])
    yield Way("the inode of a spared file, forged", [tools.trust, "forged-inode", first, str(_mount_point(tools))])
    yield Way("a time namespace", [tools.trust, "time-namespace"])
    yield Way("a pid namespace", [tools.trust, "pid-namespace"])
    yield Way("a number of a pid namespace that has just been free", [tools.trust, "wrapped-pids"])
    place = str(_mount_point(tools))
    yield Way("a mount of the trap elsewhere", [tools.trust, "mounted", place])
    yield Way("a mount of the trap that is nowhere", [tools.trust, "detached"])
    yield Way("chroot to the trap's directory", [tools.trust, "chroot"])
    yield Way("pivot_root to the trap's directory", [tools.trust, "pivot", place])
    yield Way("a hard link to the trap", ["/bin/sh", "-c", 'MOZU_TRAP="$MOZU_TRAP-linked" exec "$0"', tools.trust])
    yield Way("execution of a spared file afterwards", [tools.trust, "runs-it-after", first, "--session"])
    yield Way("vfork", [tools.trust, "vfork"])
    yield Way("a thread that reads beside", [tools.trust, "thread"])
    yield Way("a process with the same descriptors that reads", [tools.trust, "shared-descriptors"])
    yield Way(TOO_SOON, [tools.trust, "shared-descriptors-and-end"])


def _loading(executable: str, **variables: str) -> list[str]:
    return ["/usr/bin/env", *(f"{name}={value}" for name, value in variables.items()), executable, "--session"]


def _mount_point(tools: Tools) -> Path:
    place = tools.folder / "mounted"
    place.mkdir(exist_ok=True)
    return place


def _stubs(tools: Tools, executable: str) -> Path:
    """Make a directory with a library of the name that the executable loads, with the same symbols and the attempt."""
    folder = tools.folder / "libraries"
    folder.mkdir(exist_ok=True)
    shown = subprocess.run(["nm", "-D", "--undefined-only", executable], capture_output=True, text=True, check=True)
    names = [line.split()[-1] for line in shown.stdout.splitlines() if line.split()[-1].startswith("XML_")]
    (folder / "stubs.c").write_text("".join(f"void {name}(void) {{}}\n" for name in names))
    words = ["-O2", "-DLIBRARY", "-shared", "-fPIC", f"-Wl,-soname,{_LIBRARY_OF}", "-o", str(folder / _LIBRARY_OF)]
    subprocess.run([program("gcc"), *words, str(HERE / "trust.c"), str(folder / "stubs.c")], check=True)
    return folder
