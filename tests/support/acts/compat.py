"""32-bit system calls in this machine's way: `int 0x80` of this process, or an AArch32 program that takes its place."""

import contextlib
import os
from typing import Final, NoReturn

from mozu.core.model.arch import MACHINE, X86_64
from mozu.core.model.syscalls import call_number
from tests.support.acts import int80

AARCH32: Final = "/root/vm/aarch32"
"""Path of the program of aarch32.c."""


def call(name: str, arguments: list[int80.Argument]) -> int:
    """Make a call by its 32-bit name; return the result if this process makes the call itself."""
    return int80.call(name, arguments) if MACHINE is X86_64 else _become(name, arguments)


def _become(name: str, arguments: list[int80.Argument]) -> NoReturn:
    number = call_number(name, MACHINE.compat_abi)
    assert number is not None, name
    for argument in arguments:
        with contextlib.suppress(OSError):  # the argument is no descriptor
            os.set_inheritable(argument if isinstance(argument, int) else -1, True)
    os.execv(AARCH32, ["aarch32", str(number), *map(_word, arguments)])


def _word(argument: int80.Argument) -> str:
    """Return the argument in the form that aarch32.c reads; bytes become the same number of zeros, an array becomes
    0."""
    if isinstance(argument, bytes):
        return f"+{len(argument)}"
    return f"={argument}" if isinstance(argument, str) else str(argument if isinstance(argument, int) else 0)
