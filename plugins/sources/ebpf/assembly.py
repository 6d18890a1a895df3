"""Assembler of eBPF: instructions and their encoding, eight bytes each (RFC 9669, struct bpf_insn of linux/bpf.h), and
programs under construction, from whose instructions and labels relocatable code is made.

The operand of an instruction is a register or a constant of 32 bits, which is sign-extended for operations of 64 bits.
"""

import struct
from enum import IntEnum
from typing import Final, NamedTuple

from mozu.plugins.sources.ebpf.objects.relocatable import (
    CALL,
    INSTRUCTION,
    LOAD_64,
    RelocatableCode,
    Relocation,
    Symbol,
)

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


_FARTHEST: Final = 0x7FFF
"""Most instructions that a jump can cross: its offset has 16 bits."""
_LONGEST: Final = 1_000_000
"""Most instructions of a program: BPF_COMPLEXITY_LIMIT_INSNS."""


class ProgramTooLong(Exception):
    """A jump cannot reach its target, or the program has more instructions than the kernel accepts."""


class Label:
    """A place in one program, known once it is bound."""


class _Jump(NamedTuple):
    condition: Condition | None
    left: Register
    right: Operand
    target: Label
    wide: bool


class _RareJump(NamedTuple):
    target: Label


class _Symbolic(NamedTuple):
    """An instruction that a relocation completes."""

    instruction: WideConstant | HelperCall
    kind: Symbol
    name: str


class CodeAssembler:
    """Assembler of one program. `frame`: bytes of the stack that it may use, from the frame's end downwards."""

    def __init__(self, frame: int = 0) -> None:
        self._frame = frame
        self._items: list[Instruction | _Jump | _RareJump | _Symbolic] = []
        self._bound: dict[Label, int] = {}
        """Index of the item after a label, by label."""

    # --- data

    def move(self, to: Register, value: Operand) -> None:
        """Append `to = value`, a register or any number of 64 bits."""
        if isinstance(value, Register) or fits(value):
            self._items.append(Arithmetic(Alu.MOV, to, value))
        else:
            self._items.append(WideConstant(to, value))

    def compute(self, operation: Alu, to: Register, value: Operand) -> None:
        """Append `to = to operation value`."""
        self._items.append(Arithmetic(operation, to, value if isinstance(value, Register) else signed(value, bits=64)))

    def load(self, to: Register, base: Register, offset: int, width: Width) -> None:
        """Append `to = *(base + offset)`."""
        self._check_frame(base, offset, width)
        self._items.append(MemoryLoad(to, base, offset, width))

    def store(self, base: Register, offset: int, value: Operand, width: Width) -> None:
        """Append `*(base + offset) = value`."""
        self._check_frame(base, offset, width)
        self._items.append(MemoryStore(base, offset, value, width))

    def exchange(self, base: Register, offset: int, value: Register) -> None:
        """Append an atomic exchange of `value` with the 8 bytes of `*(base + offset)`."""
        self._items.append(Exchange(base, offset, value))

    def _check_frame(self, base: Register, offset: int, width: Width) -> None:
        if base is FRAME and not -self._frame <= offset <= -width.size:
            raise ValueError(f"the frame has {self._frame} bytes; {offset} is outside")

    # --- control

    def bind(self, label: Label) -> None:
        """Bind the label to this place. Raises ValueError if it is bound already."""
        if label in self._bound:
            raise ValueError("a label stands in one place")
        self._bound[label] = len(self._items)

    def jump(self, target: Label) -> None:
        """Append a jump to the label."""
        self._items.append(_Jump(None, Register.R0, 0, target, wide=True))

    def jump_if(
        self, condition: Condition, left: Register, right: Operand, target: Label, *, wide: bool = True
    ) -> None:
        """Append a jump to the label if the comparison is true, of 64 bits or of the lower 32.

        A constant may be signed or unsigned; one of 64 bits must be equal to its sign-extended immediate.
        """
        if not isinstance(right, Register):
            right = signed(right, bits=64 if wide else 32)
        self._items.append(_Jump(condition, left, right, target, wide))

    def jump_rarely(self, target: Label) -> None:
        """Append, at the beginning of a loop, a jump to the label that is taken after very many rounds; the loop ends
        before that.

        With this jump the verifier follows the loop once, provided that the bounds of each register in a later round
        are within those of an earlier one: a count goes down from a number with known bounds.
        """
        self._items.append(_RareJump(target))

    def exit(self) -> None:
        """Append an exit that returns R0."""
        self._items.append(Exit())

    # --- what lies outside the program

    def load_map(self, to: Register, name: str) -> None:
        """Append `to` = a map, as helpers take it."""
        self._items.append(_Symbolic(WideConstant(to, 0), Symbol.MAP, name))

    def call_helper(self, number: int) -> None:
        """Append a call of a kernel helper: arguments in R1 to R5, result in R0."""
        self._items.append(HelperCall(number))

    def call_subprogram(self, name: str) -> None:
        """Append a call of other code linked to this program: argument in R1, result in R0; all other registers are
        lost."""
        self._items.append(_Symbolic(HelperCall(0), Symbol.SUBPROGRAM, name))

    # --- the result

    def assembled(self, name: str) -> RelocatableCode:
        """Return the code without unreachable instructions.

        Raises ProgramTooLong, and ValueError for an unbound label and for an end without exit.
        """
        reached = self._reached()
        places = self._places(reached)
        if places[-1] > _LONGEST:
            raise ProgramTooLong(f"{places[-1]} instructions")
        code = bytearray()
        relocations = []
        for index, item in enumerate(self._items):
            if index not in reached:
                continue
            if isinstance(item, _Jump | _RareJump):
                code += self._jump(item, places, index)
            elif isinstance(item, _Symbolic):
                relocations.append(Relocation(places[index], item.kind, item.name))
                code += item.instruction.encode()
            else:
                code += item.encode()
        return RelocatableCode(name, bytes(code), tuple(relocations))

    def _reached(self) -> set[int]:
        """Return the indices of reachable items: the verifier refuses a program with unreachable ones."""
        reached: set[int] = set()
        waiting = [0]
        while waiting:
            index = waiting.pop()
            while index not in reached:
                if index == len(self._items):
                    raise ValueError("a program ends with exit")
                reached.add(index)
                item = self._items[index]
                if isinstance(item, Exit):
                    break
                if isinstance(item, _Jump | _RareJump):
                    waiting.append(self._target(item))
                    if isinstance(item, _Jump) and item.condition is None:
                        break
                index += 1
        return reached

    def _target(self, jump: _Jump | _RareJump) -> int:
        if jump.target not in self._bound:
            raise ValueError("a jump leads to a label that stands nowhere")
        return self._bound[jump.target]

    def _places(self, reached: set[int]) -> list[int]:
        """Return the place of each item in instructions, and the end."""
        places = [0]
        for index, item in enumerate(self._items):
            plain = item.instruction if isinstance(item, _Symbolic) else item
            size = 0 if index not in reached else 2 if isinstance(plain, WideConstant) else 1
            places.append(places[-1] + size)
        return places

    def _jump(self, item: _Jump | _RareJump, places: list[int], index: int) -> bytes:
        distance = places[self._target(item)] - places[index + 1]
        if not -_FARTHEST <= distance <= _FARTHEST:
            raise ProgramTooLong(f"a jump over {abs(distance)} instructions")
        if isinstance(item, _RareJump):
            return encoded_rare_jump(distance)
        return encoded_jump(item.condition, item.left, item.right, distance, wide=item.wide)
