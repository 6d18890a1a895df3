"""Subprograms (bpf/subprogram.h), which are compiled once, appended to the programs that call them.

Each call has a copy, made by `relocatable.link`, which runs in the stack frame of its caller, from the frame's end on.
The caller's own part of the frame is moved below that of its callees. Between the two are the registers that a call
must preserve, if the caller reads them later and the subprogram writes them. Sets of registers are numbers: bit n is
register n.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from mozu.plugins.sources.ebpf.objects.relocatable import (
    CALL,
    EXIT,
    INSTRUCTION,
    LOAD_64,
    RelocatableCode,
    Symbol,
    UnknownSymbol,
    is_jump,
    jumps,
    link,
    operations,
)

NAMES: Final = (
    *("append_arg_str", "append_block", "account_of", "begin_syscall_record", "append_cgroups"),
    *("walk_path", "walk_real_path", "append_path", "append_opened_path", "fill_file_attrs", "fill_endpoints"),
    *("fill_process", "works_in_directory_of_root"),
)
"""Names in the C text; each calls only earlier ones."""
_KEPT: Final = (6, 7, 8, 9)
"""Registers that a call preserves."""
_FRAME: Final = 10
"""The register that points to the end of the stack frame."""
_FRAME_SIZE, _SLOT = 512, 8
"""MAX_BPF_STACK of the kernel; bytes of a register."""
_CLASS, _LOAD, _STORE, _STORE_REGISTER, _ARITHMETIC = 0x07, 1, 2, 3, (4, 7)
"""BPF_CLASS: BPF_LDX, BPF_ST, BPF_STX, BPF_ALU and BPF_ALU64."""
_STORE_8, _LOAD_8, _MOVE, _ADD = 0x7B, 0x79, 0xBF, 0x07
"""Operations of 64 bits: a register to memory, memory to a register, a register to a register, a constant added to a
register."""
_BY_REGISTER: Final = 0x08
"""BPF_X of arithmetic and jumps: the operand is a register."""
_OPERATION, _MOVES = 0xF0, 0xB0
_MODE, _ATOMIC, _FETCHES = 0xE0, 0xC0, 1
"""BPF_MODE, BPF_ATOMIC of a store, and in its immediate BPF_FETCH, with which it writes its source."""
_ALWAYS: Final = 0x05
"""BPF_JMP | BPF_JA."""


class Subprogram(NamedTuple):
    """Code, together with its callees."""

    code: RelocatableCode
    frame: int
    """Bytes of the stack frame that it uses."""
    writes: int
    """Registers that it writes."""


Library = Mapping[str, Subprogram]
"""Subprograms by name."""


def library(compiled: Mapping[str, RelocatableCode]) -> Library:
    """Return the subprograms of NAMES. `compiled`: the compiler's output by name. Raises UnknownSymbol."""
    found: dict[str, Subprogram] = {}
    for name in NAMES:
        found[name] = subprogram(joined(compiled[name], found))
    return found


def subprogram(code: RelocatableCode) -> Subprogram:
    """Return the subprogram. Raises UnknownSymbol if it uses its frame in an unknown way."""
    return Subprogram(code, frame_of(code), written(code.instructions))


def joined(code: RelocatableCode, known: Library) -> RelocatableCode:
    """Return the code with its callees among `known`. Raises UnknownSymbol."""
    calls = {one.at: one.name for one in code.relocations if one.kind is Symbol.SUBPROGRAM and one.name in known}
    if not calls:
        return code
    needed, around, deepest = read_later(code.instructions), {}, 0
    for at, name in calls.items():
        _, frame, writes = known[name]
        lost = needed[at + 1] & writes
        kept = [register for register in _KEPT if lost >> register & 1]
        around[at] = b"".join(_stores(kept, frame)), b"".join(_loads(kept, frame))
        deepest = max(deepest, frame + _SLOT * len(kept))
    return link(lowered(code, deepest), {name: known[name].code for name in calls.values()}, around)


def _stores(kept: Iterable[int], frame: int) -> Iterator[bytes]:
    for slot, register in enumerate(kept, 1):
        yield INSTRUCTION.pack(_STORE_8, register << 4 | _FRAME, -frame - _SLOT * slot, 0)


def _loads(kept: Iterable[int], frame: int) -> Iterator[bytes]:
    for slot, register in enumerate(kept, 1):
        yield INSTRUCTION.pack(_LOAD_8, _FRAME << 4 | register, -frame - _SLOT * slot, 0)


def frame_of(code: RelocatableCode) -> int:
    """Return the bytes of the stack frame that the code uses, a multiple of 8."""
    return _frame(_uses(code))


def _frame(uses: Iterable[tuple[int, int, bool]]) -> int:
    return -_SLOT * min((offset // _SLOT for _, offset, _ in uses), default=0)


def lowered(code: RelocatableCode, by: int) -> RelocatableCode:
    """Return the code, changed so that it does not use the last `by` bytes of the frame. Raises UnknownSymbol if too
    few are left."""
    uses = list(_uses(code))
    if _frame(uses) + by > _FRAME_SIZE:
        raise UnknownSymbol(f"{code.name} and what it calls need {_frame(uses) + by} bytes of stack")
    text = bytearray(code.instructions)
    for at, _, is_constant in uses:
        operation, registers, offset, immediate = INSTRUCTION.unpack_from(text, at * INSTRUCTION.size)
        if is_constant:
            immediate -= by
        else:
            offset -= by
        INSTRUCTION.pack_into(text, at * INSTRUCTION.size, operation, registers, offset, immediate)
    return code._replace(instructions=bytes(text))


def _uses(code: RelocatableCode) -> Iterator[tuple[int, int, bool]]:
    """Yield (index, offset from the frame's end, True if that is the constant) of each instruction that refers to the
    frame.

    The compiler computes an address in the frame by a move and an addition, one after the other. Raises UnknownSymbol
    for anything else.
    """
    targets = set(jumps(code.instructions).values())
    address: int | None = None
    """Register that the instruction before has set to the frame's end."""
    for at, operation, registers, offset, immediate in operations(code.instructions):
        source, destination, kind = registers >> 4, registers & 0xF, operation & 7
        if address is not None:
            if operation != _ADD or destination != address or at in targets:
                raise UnknownSymbol(f"{code.name} uses the stack frame in an unknown way before instruction {at}")
            yield at, immediate, True
            address = None
        elif operation == _MOVE and source == _FRAME:
            address = destination
        elif source != _FRAME and destination != _FRAME:
            continue
        elif (kind == _LOAD) == (source == _FRAME) and kind in (_LOAD, _STORE, _STORE_REGISTER):
            yield at, offset, False
        else:
            raise UnknownSymbol(f"{code.name} uses the stack frame in an unknown way at instruction {at}")


def written(code: bytes) -> int:
    """Return the registers that some instruction writes, except those that calls overwrite."""
    found = 0
    for _, operation, registers, _, immediate in operations(code):
        found |= _effects(operation, registers, immediate)[1]
    return found


def read_later(code: bytes) -> list[int]:
    """Return for each instruction the registers that may be read, by it or behind it, before they are written."""
    end = len(code) // INSTRUCTION.size
    """Index behind an exit, where no register is needed."""
    steps = []
    for at, operation, registers, offset, immediate in operations(code):
        following = end if operation in (EXIT, _ALWAYS) else at + 2 if operation == LOAD_64 else at + 1
        target = at + 1 + offset if is_jump(operation) else end
        steps.append((at, following, target, *_effects(operation, registers, immediate)))
    steps.reverse()
    found = [0] * (end + 1)
    changes = True
    while changes:
        changes = False
        for at, following, target, reads, writes in steps:
            needed = (found[following] | found[target]) & ~writes | reads
            if needed != found[at]:
                found[at] = needed
                changes = True
    return found


def _effects(operation: int, registers: int, immediate: int) -> tuple[int, int]:
    """Return the registers that an instruction reads, and those that it writes."""
    kind, destination, source = operation & _CLASS, 1 << (registers & 0xF), 1 << (registers >> 4)
    if operation in (CALL, EXIT, _ALWAYS):
        return 0, 0
    if operation == LOAD_64:
        return 0, destination
    if kind == _LOAD:
        return source, destination
    if kind == _STORE:
        return destination, 0
    if kind == _STORE_REGISTER:
        fetches = operation & _MODE == _ATOMIC and immediate & _FETCHES
        return destination | source, source if fetches else 0
    by = source if operation & _BY_REGISTER else 0
    if kind not in _ARITHMETIC:
        return destination | by, 0
    return (by if operation & _OPERATION == _MOVES else destination | by), destination
