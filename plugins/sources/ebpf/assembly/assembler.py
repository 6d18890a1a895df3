"""A program under construction: instructions and labels, from which relocatable code is made."""

from typing import Final, NamedTuple

from mozu.plugins.sources.ebpf.assembly.instructions import (
    FRAME,
    Alu,
    Arithmetic,
    Condition,
    Exchange,
    Exit,
    HelperCall,
    Instruction,
    MemoryLoad,
    MemoryStore,
    Operand,
    Register,
    WideConstant,
    Width,
    encoded_jump,
    encoded_rare_jump,
    fits,
    signed,
)
from mozu.plugins.sources.ebpf.objects.relocatable import RelocatableCode, Relocation, Symbol

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
