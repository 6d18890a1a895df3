"""Operands: the notation in the tables for the origin of a parameter, and the argument layout that follows."""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from mozu.core.abi.spec import MAX_BLOCKS, NO_ARGUMENT, NO_FD, NOT_A_PATH, POINTED, RESULT, ArgLayout, MemoryBlock
from mozu.core.model.syscalls import Param, event_type

_SIZES: Final = {
    "int16": 2, "uint16": 2, "flags16": 2, "int32": 4, "uint32": 4, "flags32": 4, "fd": 4, "uid": 4, "gid": 4,
    "int64": 8, "uint64": 8, "sigset": 8, "reltime": 16,
}  # fmt: skip
"""Type of a parameter → bytes of its value in memory; a reltime is a struct timespec."""
_LISTS: Final = {"fdlist": -8}
"""Type → negative size of an element; the next argument is the number of elements."""
_TEXTS: Final = frozenset({"string", "fspath"})
_MEMORY_OPERAND: Final = re.compile(r"(?P<when>[*<>])(?P<argument>[0-5])(?:\+(?P<offset>\d+))?(?P<moved>-r)?")
_SPECIAL_BLOCKS: Final[dict[str, tuple[MemoryBlock, ...]]] = {
    "fsconfig": (MemoryBlock(3, 0), MemoryBlock(3, -1)),
    "getsockopt": (MemoryBlock(3, POINTED, True),),
    "keyctl": (MemoryBlock(1, 0), MemoryBlock(2, 0), MemoryBlock(3, 0)),
    "quotactl": (MemoryBlock(3, 0), MemoryBlock(3, 72, True)),
    "setsockopt": (MemoryBlock(3, -1),),
}
"""Call → memory blocks for the parameters that another parameter decodes (the operand `=`): see
`mozu.core.abi.special`."""
_SOCKADDRS: Final = {"connect": 1, "bind": 1}
"""Call → argument with a struct sockaddr; its length is the next argument."""
_SUBJECTS: Final = {"splice": 2}
"""Call with several descriptors → argument with the one that it is about; otherwise it is the first."""


class MemoryOperand(NamedTuple):
    """An operand that names memory, taken apart."""

    argument: int
    offset: int
    size: int
    """Size in bytes; see `MemoryBlock`."""
    when: str
    moved: bool
    """True if the call has advanced the value by its result."""


def parse_memory_operand(param: Param, operand: str) -> MemoryOperand | None:
    """Return the parts of an operand; None if it names no memory."""
    match = _MEMORY_OPERAND.fullmatch(operand)
    if match is None:
        return None
    size = 0 if param.type in _TEXTS else _LISTS.get(param.type) or _SIZES[param.type]
    argument, offset = int(match["argument"]), int(match["offset"] or 0)
    return MemoryOperand(argument, offset, size, match["when"], match["moved"] is not None)


def params_with_operands(name: str, notation: str | None) -> Iterator[tuple[Param, str]]:
    """Return each parameter of an event with its operand; `notation` as in a table."""
    declared = event_type(name)
    params = () if declared is None else declared.params
    operands = ("r", *map(str, range(len(params) - 1))) if notation is None else tuple(notation.split())
    return zip(params, operands, strict=True) if params else iter(())


def _blocks(name: str, pairs: list[tuple[Param, str]]) -> tuple[MemoryBlock, ...]:
    """Return the memory blocks that the parameters come from, each once and as long as the parameter that reaches
    furthest."""
    found = list(_SPECIAL_BLOCKS.get(name, ()))
    for param, operand in pairs:
        one = parse_memory_operand(param, operand)
        if one is None:
            continue
        is_output = one.when != "*"
        if one.size <= 0:
            block = MemoryBlock(one.argument, one.size, is_output)
            if block not in found:
                found.append(block)
            continue
        end = one.offset + one.size
        place = next((n for n, b in enumerate(found) if b.argument == one.argument and _is_fixed(b)), None)
        if place is None:
            found.append(MemoryBlock(one.argument, end, is_output))
        else:
            old = found[place]
            found[place] = MemoryBlock(old.argument, max(old.size, end), old.is_output or is_output)
    if name == "semop":
        found = [MemoryBlock(1, -6)]  # as many as there are, not always two
    if len(found) > MAX_BLOCKS:
        raise ValueError(f"{name} has more than {MAX_BLOCKS} memory blocks: {found}")
    return tuple(found)


def _is_fixed(block: MemoryBlock) -> bool:
    return 0 < block.size < POINTED


def derive_layout(name: str, notation: str | None) -> ArgLayout:
    """Return the argument layout that follows from the types of the parameters and their operands."""
    pairs = list(params_with_operands(name, notation))
    texts: list[int] = []  # argument and directory of each text
    for param, operand in pairs:
        if operand.isdigit() and param.type in ("fspath", "string"):
            texts += [int(operand), NO_ARGUMENT if param.type == "fspath" else NOT_A_PATH]
        elif operand.isdigit() and param.type == "fsrelpath" and param.dirfd is not None:
            texts += [int(operand), int(pairs[param.dirfd][1])]
    texts += (NO_ARGUMENT, NOT_A_PATH) * (3 - len(texts) // 2)
    text, start, text2, start2, text3 = texts[:5]
    operands = [operand for _, operand in pairs]
    at = {operand[0]: int(operand[1:]) for operand in operands if re.fullmatch(r"[dv]\d", operand)}
    declared = event_type(name)
    incoming = declared is not None and ("reads_fd" in declared.traits or name.startswith("process_vm"))
    return ArgLayout(
        _descriptor(name, pairs), _SOCKADDRS.get(name, NO_ARGUMENT), text, start, text2, start2, text3,
        at.get("d", NO_ARGUMENT), at.get("v", NO_ARGUMENT), incoming and bool(at), _blocks(name, pairs),
    )  # fmt: skip


def _descriptor(name: str, pairs: list[tuple[Param, str]]) -> int:
    declared = event_type(name)
    if declared is not None and "creates_fd" in declared.traits:
        return RESULT
    if name in _SUBJECTS:
        return _SUBJECTS[name]
    return next((int(operand) for param, operand in pairs if param.type == "fd" and operand.isdigit()), NO_FD)
