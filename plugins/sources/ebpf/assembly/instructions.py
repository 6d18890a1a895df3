"""eBPF instructions and their encoding, eight bytes each: RFC 9669, struct bpf_insn of linux/bpf.h.

The operand of an instruction is a register or a constant of 32 bits, which is sign-extended for operations of 64 bits.
"""

import struct
from enum import IntEnum
from typing import Final, NamedTuple

from mozu.plugins.sources.ebpf.objects.relocatable import CALL, INSTRUCTION, LOAD_64

_LDX, _ST, _STX, _JMP, _JMP32, _ALU64 = 1, 2, 3, 5, 6, 7
"""Classes of instructions: the low three bits of the opcode."""
_MEMORY: Final = 0x60
"""BPF_MEM: a load or store at an address."""
_ATOMIC, _XCHG = 0xC0, 0xE1
"""BPF_ATOMIC and its immediate BPF_XCHG."""
_FROM_REGISTER: Final = 0x08
"""Bit for an operand that is a register: BPF_X."""
_ALWAYS, _EXIT, _RARELY = 0x00, 0x90, 0xE0
_WHOLE, _HALVES = struct.Struct("<Q"), struct.Struct("<ii")


class Register(IntEnum):
    """Registers: R0 for results, R1 to R5 for arguments (lost in a call), R6 to R9 survive calls, FRAME is the end of
    the stack frame."""

    R0, R1, R2, R3, R4, R5, R6, R7, R8, R9, R10 = range(11)


FRAME: Final = Register.R10


class Width(IntEnum):
    """Number of bytes read or written; the value is that of the opcode."""

    WORD = 0x00
    HALF = 0x08
    BYTE = 0x10
    DOUBLE = 0x18

    @property
    def size(self) -> int:
        """The number of bytes."""
        return {Width.BYTE: 1, Width.HALF: 2, Width.WORD: 4, Width.DOUBLE: 8}[self]


class Alu(IntEnum):
    """Arithmetic operations on 64 bits."""

    ADD = 0x00
    SUB = 0x10
    OR = 0x40
    AND = 0x50
    LSH = 0x60
    RSH = 0x70
    XOR = 0xA0
    MOV = 0xB0


class Condition(IntEnum):
    """Conditions of jumps; the ones with S compare signed numbers."""

    EQ = 0x10
    GT = 0x20
    GE = 0x30
    NE = 0x50
    SGT = 0x60
    SGE = 0x70
    LT = 0xA0
    LE = 0xB0
    SLT = 0xC0
    SLE = 0xD0

    @property
    def inverse(self) -> "Condition":
        """The condition that is true if this one is false."""
        return _INVERSE[self]


_PAIRS: Final = ("EQ NE", "GT LE", "GE LT", "SGT SLE", "SGE SLT")
_INVERSE: Final = {
    Condition[one]: Condition[other] for pair in _PAIRS for one, other in (pair.split(), reversed(pair.split()))
}

Operand = Register | int


class MemoryLoad(NamedTuple):
    """Load `to = *(base + offset)`, zero-extended."""

    to: Register
    base: Register
    offset: int
    width: Width

    def encode(self) -> bytes:
        """Return the instruction's bytes."""
        return _packed(_LDX | _MEMORY | self.width, self.to, self.base, self.offset, 0)


class MemoryStore(NamedTuple):
    """Store `*(base + offset) = value`."""

    base: Register
    offset: int
    value: Operand
    width: Width

    def encode(self) -> bytes:
        """Return the instruction's bytes."""
        if isinstance(self.value, Register):
            return _packed(_STX | _MEMORY | self.width, self.base, self.value, self.offset, 0)
        return _packed(_ST | _MEMORY | self.width, self.base, 0, self.offset, self.value)


class Exchange(NamedTuple):
    """Atomic exchange of `value` and the 8 bytes at `base + offset` (Linux 5.12)."""

    base: Register
    offset: int
    value: Register

    def encode(self) -> bytes:
        """Return the instruction's bytes."""
        return _packed(_STX | _ATOMIC | Width.DOUBLE, self.base, self.value, self.offset, _XCHG)


class Arithmetic(NamedTuple):
    """Operation `to = to operation value`; for MOV: `to = value`."""

    operation: Alu
    to: Register
    value: Operand

    def encode(self) -> bytes:
        """Return the instruction's bytes."""
        if isinstance(self.value, Register):
            return _packed(_ALU64 | self.operation | _FROM_REGISTER, self.to, self.value, 0, 0)
        return _packed(_ALU64 | self.operation, self.to, 0, 0, self.value)


class WideConstant(NamedTuple):
    """Constant `to = value` of 64 bits, in two places; `value` is 0 if a relocation sets it."""

    to: Register
    value: int

    def encode(self) -> bytes:
        """Return the instruction's 16 bytes."""
        low, high = _HALVES.unpack(_WHOLE.pack(self.value & 0xFFFFFFFFFFFFFFFF))
        return _packed(LOAD_64, self.to, 0, 0, low) + _packed(0, 0, 0, 0, high)


class HelperCall(NamedTuple):
    """Call of a kernel helper by its number; 0 if a relocation sets it."""

    helper: int

    def encode(self) -> bytes:
        """Return the instruction's bytes."""
        return _packed(CALL, 0, 0, 0, self.helper)


class Exit(NamedTuple):
    """Exit that returns R0."""

    def encode(self) -> bytes:
        """Return the instruction's bytes."""
        return _packed(_JMP | _EXIT, 0, 0, 0, 0)


Instruction = MemoryLoad | MemoryStore | Exchange | Arithmetic | WideConstant | HelperCall | Exit
"""Instructions that are encoded alone; the encoding of jumps depends on their targets."""


def encoded_jump(condition: Condition | None, left: Register, right: Operand, distance: int, *, wide: bool) -> bytes:
    """Return a jump of `distance` instructions from the next one; unconditional if `condition` is None. `wide`: all 64
    bits are compared, else 32."""
    if condition is None:
        return _packed(_JMP | _ALWAYS, 0, 0, distance, 0)
    code = (_JMP if wide else _JMP32) | condition
    if isinstance(right, Register):
        return _packed(code | _FROM_REGISTER, left, right, distance, 0)
    return _packed(code, left, 0, distance, right)


def encoded_rare_jump(distance: int) -> bytes:
    """Return may_goto of Linux 6.9 (BPF_JCOND): taken after very many rounds of a loop, see may_goto.py."""
    return _packed(_JMP | _RARELY, 0, 0, distance, 0)


def fits(value: int) -> bool:
    """Return True if a number of 64 bits is unchanged by sign-extension from an immediate of 32 bits."""
    return -(1 << 31) <= value < 1 << 31


def signed(value: int, *, bits: int) -> int:
    """Return the same bits as a signed number. Raises ValueError for a number of more bits, or one that does not fit an
    immediate."""
    if not -(1 << bits - 1) <= value < 1 << bits:
        raise ValueError(f"{value} has more than {bits} bits")
    found = value - (1 << bits) if value >> bits - 1 > 0 else value
    if not fits(found):
        raise ValueError(f"{value} is no immediate")
    return found


def _packed(code: int, to: int, source: int, offset: int, immediate: int) -> bytes:
    return INSTRUCTION.pack(code, source << 4 | to, offset, immediate)
