"""Casts: the verifier is told what an address leads to, and programs load members that a helper had to copy for them.

The kernel has a function for it, which costs nothing when the program runs (bpf_rdonly_cast, since Linux 6.2). The
compiler knows no functions of the kernel: it makes the call of a helper that nobody has, and what it made is led to the
function before it is loaded.
"""

import os
import struct
from collections.abc import Iterable
from typing import Final, NamedTuple

from mozu.plugins.sources.ebpf import btf, kernel

FUNCTION: Final = "bpf_rdonly_cast"
_PLACEHOLDER: Final = 0x6D6F7A75
_INSTRUCTION: Final = struct.Struct("<BBhi")
"""Code, registers, offset, number (struct bpf_insn of linux/bpf.h)."""
_CALL: Final = 0x85
_OF_KERNEL: Final = 2 << 4
"""BPF_PSEUDO_KFUNC_CALL, in the place of the source register."""
_SET, _EXIT = 0xB7, 0x95
_EXAMPLE: Final = "task_struct"


class Casts(NamedTuple):
    """The function's number among the kernel's types; None where programs have to copy."""

    function: int | None

    def text(self, types: btf.Btf, structs: Iterable[str]) -> str:
        """CAST, and the numbers of the structs that it can be told of; nothing where it cannot be had."""
        if self.function is None:
            return ""
        lines = [f"#define BTF_{name} {types.identity(name)}" for name in structs if name in types]
        return "\n".join([f"#define CAST {_PLACEHOLDER}", *lines, ""])

    def linked(self, code: bytes) -> bytes:
        """The same program, its casts led to the kernel's function."""
        if self.function is None:
            return code
        wanted, made = _INSTRUCTION.pack(_CALL, 0, 0, _PLACEHOLDER), _cast(self.function)
        parts = (code[at : at + _INSTRUCTION.size] for at in range(0, len(code), _INSTRUCTION.size))
        return b"".join(made if part == wanted else part for part in parts)


NONE: Final = Casts(None)


def _cast(function: int) -> bytes:
    return _INSTRUCTION.pack(_CALL, _OF_KERNEL, 0, function)


def find(types: btf.Btf) -> Casts:
    """Try whether this kernel takes a program that casts."""
    function = types.function(FUNCTION)
    if function is None:
        return NONE
    told = [_INSTRUCTION.pack(_SET, number, 0, value) for number, value in ((1, 0), (2, types.identity(_EXAMPLE)))]
    ended = [_INSTRUCTION.pack(_SET, 0, 0, 0), _INSTRUCTION.pack(_EXIT, 0, 0, 0)]
    try:
        os.close(kernel.load(kernel.TRACEPOINT, "mozu_cast", b"".join([*told, _cast(function), *ended])))
    except OSError:
        return NONE
    return Casts(function)
