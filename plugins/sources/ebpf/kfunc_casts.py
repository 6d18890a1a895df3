"""kfunc relocation of bpf_rdonly_cast, by which programs load members of kernel structs instead of copying them.

bpf_rdonly_cast (Linux 6.2) gives an address a BTF type for the verifier and is no instruction at run time. bcc can call
helpers only and no kfuncs: the C text calls a helper with a number that does not exist, and `relocated` turns that call
into one of the kfunc, by its BTF id, before the program is loaded.
"""

import os
import struct
from collections.abc import Iterable
from typing import Final, NamedTuple

from mozu.plugins.sources.ebpf import bpf_syscall, btf

FUNCTION: Final = "bpf_rdonly_cast"
_PLACEHOLDER: Final = 0x6D6F7A75
_INSTRUCTION: Final = struct.Struct("<BBhi")
"""struct bpf_insn of linux/bpf.h: code, registers, off, imm."""
_CALL: Final = 0x85
_KFUNC: Final = 2 << 4
"""BPF_PSEUDO_KFUNC_CALL, as the source register."""
_SET, _EXIT = 0xB7, 0x95
_EXAMPLE: Final = "task_struct"


class KfuncCast(NamedTuple):
    """The BTF id of the kfunc; None where programs have to copy."""

    function: int | None

    def text(self, types: btf.Btf, structs: Iterable[str]) -> str:
        """C: CAST, the call to relocate, and BTF_*, the ids of these structs; empty where programs copy."""
        if self.function is None:
            return ""
        lines = [f"#define BTF_{name} {types.identity(name)}" for name in structs if name in types]
        return "\n".join([f"#define CAST {_PLACEHOLDER}", *lines, ""])

    def relocated(self, code: bytes) -> bytes:
        """The same program, its placeholder calls turned into calls of the kfunc."""
        if self.function is None:
            return code
        placeholder, cast = _INSTRUCTION.pack(_CALL, 0, 0, _PLACEHOLDER), _cast(self.function)
        parts = (code[at : at + _INSTRUCTION.size] for at in range(0, len(code), _INSTRUCTION.size))
        return b"".join(cast if part == placeholder else part for part in parts)


NO_CAST: Final = KfuncCast(None)


def _cast(function: int) -> bytes:
    return _INSTRUCTION.pack(_CALL, _KFUNC, 0, function)


def find(types: btf.Btf) -> KfuncCast:
    """Load a program of five instructions that casts, to see whether this kernel has the kfunc and accepts it."""
    function = types.function(FUNCTION)
    if function is None:
        return NO_CAST
    arguments = [_INSTRUCTION.pack(_SET, number, 0, value) for number, value in ((1, 0), (2, types.identity(_EXAMPLE)))]
    end = [_INSTRUCTION.pack(_SET, 0, 0, 0), _INSTRUCTION.pack(_EXIT, 0, 0, 0)]
    try:
        os.close(bpf_syscall.load(bpf_syscall.TRACEPOINT, "mozu_cast", b"".join([*arguments, _cast(function), *end])))
    except OSError:
        return NO_CAST
    return KfuncCast(function)
