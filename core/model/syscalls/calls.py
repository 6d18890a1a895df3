"""Numbers of system calls, both ways."""

from typing import Literal

from mozu.core.model.syscalls.call_numbers import I386, X86_64
from mozu.core.model.syscalls.runs import spread

Abi = Literal["x86_64", "i386"]

_NAMES: dict[str, dict[int, str]] = {"x86_64": spread(X86_64), "i386": spread(I386)}
_NUMBERS = {abi: {name: number for number, name in names.items()} for abi, names in _NAMES.items()}


def call_number(name: str, abi: Abi = "x86_64") -> int | None:
    """The number of a call by the kernel's name (`pread64`, not the event's `pread`)."""
    return _NUMBERS[abi].get(name)


def call_name(number: int, abi: Abi = "x86_64") -> str | None:
    """The kernel's name of a number."""
    return _NAMES[abi].get(number)
