"""Numbers of system calls, both ways.

A call has one number everywhere in mozu: that of x86-64, which has every call that other machines have. So tables, maps
and programs are the same on all machines, and a 32-bit call for which its machine has no native call has a number.
Numbers exchanged with a kernel are those of an ABI.
"""

from typing import Final

from mozu.core.model.arch import MACHINE, Abi
from mozu.core.model.arch.numbers import aarch64, arm, i386, x86_64
from mozu.core.model.syscalls.runs import spread

_NAMES: Final[dict[Abi, dict[int, str]]] = {
    "x86_64": spread(x86_64.CALLS),
    "i386": spread(i386.CALLS),
    "aarch64": spread(aarch64.CALLS),
    "arm": spread(arm.CALLS),
}
_NUMBERS: Final = {abi: {name: number for number, name in names.items()} for abi, names in _NAMES.items()}


def call_number(name: str, abi: Abi = "x86_64") -> int | None:
    """Return the number of a call by the kernel's name (`pread64`, not the event's `pread`); None if it has none."""
    return _NUMBERS[abi].get(name)


def call_name(number: int, abi: Abi = "x86_64") -> str | None:
    """Return the kernel's name of a number; None if it has none."""
    return _NAMES[abi].get(number)


def kernel_number(number: int, abi: Abi = MACHINE.abi) -> int | None:
    """Return the number in an ABI, by default this machine's, of the call with this number; None if it has no such
    call."""
    name = _NAMES["x86_64"].get(number)
    return None if name is None else _NUMBERS[abi].get(name)


def machine_number(name: str) -> int:
    """Return the number by which this machine's kernel is called. Raises KeyError if it does not have the call."""
    return _NUMBERS[MACHINE.abi][name]
