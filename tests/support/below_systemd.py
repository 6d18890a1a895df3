"""python tests/support/below_systemd.py COMMAND …: the command below a process named systemd, which adopts its orphans.

On a machine that systemd started, all processes descend from it, even shims that an engine has left behind. Tests also
run on machines with another first process. SIGTERM goes to the command, which ends with this process; the
exit code is the command's.
"""

import ctypes
import os
import signal
import sys
import tempfile
from pathlib import Path
from typing import Final

_PR_SET_PDEATHSIG: Final = 1  # include/uapi/linux/prctl.h
_PR_SET_CHILD_SUBREAPER: Final = 36
_NAME: Final = "systemd"


def below_systemd(*command: str | Path) -> list[str | Path]:
    """Return the command that runs this command below a process named systemd."""
    return [sys.executable, "-IS", __file__, *command]


def _execute_as_systemd() -> None:
    """Execute this program again by a link of that name: mozu takes the name of a process from its exec."""
    link = f"{tempfile.mkdtemp()}/{_NAME}"
    os.symlink(os.path.realpath(sys.executable), link)
    os.execv(link, [link, "-IS", *sys.argv])


def _main(command: list[str]) -> int:
    link = Path(sys.orig_argv[0])
    if link.name != _NAME:
        _execute_as_systemd()
    link.unlink()
    link.parent.rmdir()
    prctl, code = ctypes.CDLL(None, use_errno=True).prctl, 0
    if prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")
    child = os.fork()
    if not child:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        os.execvp(command[0], command)
    signal.signal(signal.SIGTERM, lambda number, _: os.kill(child, number))
    ended = 0
    while ended != child:
        ended, code = os.wait()
    return os.waitstatus_to_exitcode(code) & 0xFF


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
