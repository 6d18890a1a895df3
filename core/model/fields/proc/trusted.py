"""The name of a program that only root can have put where it lies: what lists of trusted programs are compared with.

The name of a process (comm) is whatever its file, or a link to that, is called, and a process may give itself another.
So the name of the file is taken, and that only below directories of the system, and of files that only root may
change; or of the script that the kernel started an interpreter for, if that lies there and only root may change it and
the directories that it was reached by. In mounts, file systems and user namespaces that another user made nothing is
trusted, nor is a program whose environment makes it run other code.
"""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from mozu.core.caches import cached
from mozu.core.model.event import Process
from mozu.core.model.fields.pathname import absolute, filename_of

SYSTEM_DIRECTORIES: Final = (
    *("/usr/", "/bin/", "/sbin/", "/lib/", "/lib32/", "/lib64/", "/opt/", "/snap/", "/nix/store/", "/gnu/store/"),
)
"""Where packages put programs."""
_COMM: Final = 15
_UPPER, _MEMFD, _LOWER = 2, 4, 8
"""Bits of `Process.exe_flags`."""
_WRITABLE: Final = 0o022
"""By the group, by others."""
_INTERPRETERS: Final = {
    re.compile(rf"({name})[-.0-9]*"): (re.compile(options), reads_home)
    for name, options, reads_home in (
        ("(ba|da|a|k|mk)?sh", "-[abefhkmnpuvxBCEHPT]{1,4}", False),
        ("(z|fi|c|tc)sh", "-[abefhkmnpuvxBCEHPT]{1,4}", True),
        ("perl", "-[stTuUwWX]{1,3}", False),
        ("python", "-[bBdEIOPqsSuvx]{1,3}", True),
        ("ruby", "-[swW]{1,3}", False),
        ("php(-cgi)?", "-[fnq]", False),
        ("g?awk", "-f", False),
        ("node(js)?|tclsh", "(?!)", False),
    )
}
"""Name of an interpreter's file, before its version → an option that may stand before the path of a script; and
whether it runs code in the home directory of its user before the script.

With each of them the path is that of the program. None has a program of another origin: from the next word (-c, -e),
from the standard input (-s of shells, -i of Python), from a file of the user's (-i, -l of shells); and none takes the
path as its own value (-O of bash, -W of Python, -I of Perl).
"""
_ISOLATED: Final = re.compile("-[a-zA-Z]*[Is][a-zA-Z]*")
"""Options by which Python leaves the home directory alone."""


class GivenProgram(NamedTuple):
    """The members of Process that trust reads, for the script of a process."""

    name: str
    exepath: str
    args: Sequence[str] = ()
    exe_flags: int = 0
    exe_uid: int = -1
    exe_mode: int = -1
    exe_genuine: bool | None = None
    script: str | None = None
    uid: int = 0


def trusted_name_of(process: Process | GivenProgram) -> str | None:
    """Return the name of the process's file, or of the script that its interpreter runs, cut to 15 bytes as comm is.

    None: it lies elsewhere, in a container's writable layer or in memory, or others than root may change it or have
    made what it lies in. A file of a container's image is the image's, of whatever owner: with user namespaces that is
    no root of the host. Where the source did not say which file it is, comm stands in.
    """
    exepath, flags = process.exepath, process.exe_flags
    if not exepath:
        return process.name
    if process.exe_genuine is False or flags & (_UPPER | _MEMFD) or not exepath.startswith(SYSTEM_DIRECTORIES):
        return None
    mode = process.exe_mode
    if not flags & _LOWER and (process.exe_uid > 0 or (mode >= 0 and mode & _WRITABLE)):
        return None
    file, interpreter = _file_of(exepath)
    return file if interpreter is None else _script_of(process, *interpreter) or file


@cached(1024)
def _file_of(exepath: str) -> tuple[str, "tuple[re.Pattern[str], bool] | None"]:
    """Return its name, cut as comm is, and of an interpreter what _INTERPRETERS says of it."""
    file = filename_of(exepath)
    return file[:_COMM], next((known for name, known in _INTERPRETERS.items() if name.fullmatch(file)), None)


def _script_of(process: Process | GivenProgram, options: "re.Pattern[str]", reads_home: bool) -> str | None:
    """Return the name of the script that it runs, if only root can have put that where it lies.

    A source that does not say which script it is leaves its path: the first word that is no option, from the root on.
    """
    args, script = process.args, process.script
    if reads_home and process.uid and not (args and _ISOLATED.fullmatch(args[0])):
        return None
    if script is None:
        rest = args[1:] if args and options.fullmatch(args[0]) else args
        script = rest[0] if rest else ""
        if filename_of(script)[:_COMM] != process.name or absolute("/", script) != script:
            return None
    return filename_of(script)[:_COMM] if script.startswith(SYSTEM_DIRECTORIES) else None
