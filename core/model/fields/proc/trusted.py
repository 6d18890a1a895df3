"""The name of a program that only root can have put where it lies: what lists of trusted programs are compared with.

The name of a process (comm) is whatever its file, or a link to that, is called, and a process may give itself another.
So the name of the file is taken, and that only below directories of the system, and of files that only root may
change. Of a script its path alone is known, not its owner.
"""

import re
from collections.abc import Sequence
from typing import Final

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
    re.compile(rf"({name})[-.0-9]*"): re.compile(options)
    for name, options in (
        ("(ba|da|a|z|k|mk|fi|c|tc)?sh", "-[abefhkmnpuvxBCEHPT]{1,4}"),
        ("perl", "-[stTuUwWX]{1,3}"),
        ("python", "-[bBdEIOPqsSuvx]{1,3}"),
        ("ruby", "-[swW]{1,3}"),
        ("php(-cgi)?", "-[fnq]"),
        ("g?awk", "-f"),
        ("node(js)?|lua|tclsh", "(?!)"),
    )
}
"""Name of an interpreter's file, before its version → an option that may stand before the path of a script.

With each of them the path is that of the program. None has a program of another origin: from the next word (-c, -e),
from the standard input (-s of shells, -i of Python), from a file of the user's (-i, -l of shells); and none takes the
path as its own value (-O of bash, -W of Python, -I of Perl).
"""


def trusted_name(
    name: str, exepath: str, args: Sequence[str], exe_flags: int, exe_uid: int = -1, exe_mode: int = -1
) -> str | None:
    """The name of the file, or of the script that an interpreter runs, cut to 15 bytes as comm is.

    None: it lies elsewhere, in a container's writable layer or in memory, or others than root may change it. A file of
    a container's image is the image's, of whatever owner: with user namespaces that is no root of the host. Where the
    source did not say which file it is, comm stands in.
    """
    if not exepath:
        return name
    if exe_flags & (_UPPER | _MEMFD) or not exepath.startswith(SYSTEM_DIRECTORIES):
        return None
    if not exe_flags & _LOWER and (exe_uid > 0 or (exe_mode >= 0 and exe_mode & _WRITABLE)):
        return None
    file, option = _file_of(exepath)
    if option:
        rest = args[1:] if args and option.fullmatch(args[0]) else args
        script = rest[0] if rest else ""
        if filename_of(script)[:_COMM] == name and absolute("/", script).startswith(SYSTEM_DIRECTORIES):
            return name
    return file


@cached(1024)
def _file_of(exepath: str) -> tuple[str, "re.Pattern[str] | None"]:
    """(its name, cut as comm is, the options of an interpreter; None: it is none)."""
    file = filename_of(exepath)
    return file[:_COMM], next((options for name, options in _INTERPRETERS.items() if name.fullmatch(file)), None)


def trusted_name_of(process: Process) -> str | None:
    """Of a process."""
    return trusted_name(
        process.name, process.exepath, process.args, process.exe_flags, process.exe_uid, process.exe_mode
    )
