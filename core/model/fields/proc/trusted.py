"""The name of a program that only root can have put at its path, for comparison with lists of trusted programs.

The name of a process (comm) is that of its file, or of a link to it, and a process may give itself another. So the name
of the file is taken, only below directories of the system, and only of files that only root may change; or the name of
the script that the kernel started an interpreter for, if that is below such a directory and only root may change it and
the directories by which it was reached. In mounts, file systems and user namespaces that another user made nothing is
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
"""Directories in which packages put programs."""
_COMM: Final = 15
_UPPER, _MEMFD, _LOWER = 2, 4, 8
"""Bits of `Process.exe_flags`."""
_WRITABLE: Final = 0o022
"""Permission bits for writing by the group and by others."""
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
"""Name of an interpreter's file, before its version → (option that may precede the path of a script, True if it runs
code in its user's home directory before the script).
With each of these options the path is that of the program. None takes the program from elsewhere: from the next word
(-c, -e), from the standard input (-s of shells, -i of Python), from a file of the user's (-i, -l of shells); and none
takes the path as its own value (-O of bash, -W of Python, -I of Perl).
"""
_ISOLATED: Final = re.compile("-[a-zA-Z]*[Is][a-zA-Z]*")
"""Options with which Python does not use the home directory."""


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

    None if the file is elsewhere, in a container's writable layer or in memory, or if a user other than root may change
    it or has made the mount that holds it. A file of a container's image belongs to the image, independent of its
    owner: with user namespaces that owner is not root of the host. If the source did not name the file, comm is used.
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
    """Return the file's name, cut as comm is, and the value of _INTERPRETERS if it is an interpreter."""
    file = filename_of(exepath)
    return file[:_COMM], next((known for name, known in _INTERPRETERS.items() if name.fullmatch(file)), None)


def _script_of(process: Process | GivenProgram, options: "re.Pattern[str]", reads_home: bool) -> str | None:
    """Return the name of the script that the process runs, if only root can have put it at its path; otherwise None.

    A source that does not say which script it is leaves the path on the command line: the first word that is no option,
    an absolute path.
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
