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
_INTERPRETER: Final = re.compile(r"(ba|da|a|z|k|mk|fi|c|tc)?sh|perl|python|ruby|php|node|lua|g?awk|tclsh")
_OPTION: Final = re.compile(r"-[A-Zabdefhilmnqrstuvwxyz]{1,3}")
"""Of an interpreter in the first line of a script: short, and none that takes a program (-c)."""


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
    file, is_interpreter = _file_of(exepath)
    if is_interpreter:
        rest = args[1:] if args and _OPTION.fullmatch(args[0]) else args
        script = rest[0] if rest else ""
        if filename_of(script)[:_COMM] == name and absolute("/", script).startswith(SYSTEM_DIRECTORIES):
            return name
    return file


@cached(1024)
def _file_of(exepath: str) -> tuple[str, bool]:
    """(its name, cut as comm is, whether it is an interpreter)."""
    file = filename_of(exepath)
    return file[:_COMM], _INTERPRETER.match(file) is not None


def trusted_name_of(process: Process) -> str | None:
    """Of a process."""
    return trusted_name(
        process.name, process.exepath, process.args, process.exe_flags, process.exe_uid, process.exe_mode
    )
