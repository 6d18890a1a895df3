"""System calls by number, in ways that no library would make them."""

import ctypes
import os

from mozu.core.model.syscalls import machine_number

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


def call(name: str, *arguments: object) -> int:
    """Make a call; text and bytes are passed as C strings, None as a null pointer. Return the result or -errno."""
    number = machine_number(name)
    converted: list[ctypes.c_char_p | ctypes.c_void_p | ctypes.c_long] = []
    for argument in arguments:
        if isinstance(argument, str):
            converted.append(ctypes.c_char_p(os.fsencode(argument)))
        elif isinstance(argument, bytes):
            converted.append(ctypes.c_char_p(argument))
        elif argument is None:
            converted.append(ctypes.c_void_p(0))
        else:
            assert isinstance(argument, int)
            converted.append(ctypes.c_long(argument))
    result = int(_libc.syscall(ctypes.c_long(number), *converted))
    return -ctypes.get_errno() if result < 0 else result


def calls(*steps: tuple[object, ...]) -> list[int]:
    """Make several calls in turn; an argument ("of", n) stands for the result of step n."""
    results: list[int] = []
    for name, *arguments in steps:
        known = [results[a[1]] if isinstance(a, tuple) and a[:1] == ("of",) else a for a in arguments]
        results.append(call(str(name), *known))
    return results
