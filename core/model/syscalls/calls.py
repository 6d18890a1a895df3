"""Numbers of system calls, both ways.

A call has one number everywhere in mozu: that of x86-64, which has every call that other machines have. So tables,
maps and programs are the same on all machines, and a 32-bit call that its machine has no native call for has a number.
What a kernel is given, and what it says, are numbers of an ABI.
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
    """The number of a call by the kernel's name (`pread64`, not the event's `pread`)."""
    return _NUMBERS[abi].get(name)


def call_name(number: int, abi: Abi = "x86_64") -> str | None:
    """The kernel's name of a number."""
    return _NAMES[abi].get(number)


def kernel_number(number: int, abi: Abi = MACHINE.abi) -> int | None:
    """The number that an ABI, else this machine, has for a call of this number; None where it has no such call."""
    name = _NAMES["x86_64"].get(number)
    return None if name is None else _NUMBERS[abi].get(name)


def machine_number(name: str) -> int:
    """The number by which this machine's kernel is called. Raises KeyError for a call that it does not have."""
    return _NUMBERS[MACHINE.abi][name]
