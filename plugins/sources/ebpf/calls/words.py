"""The words in which a declaration says where a parameter comes from; what follows from them for the kernel side."""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from mozu.core.model.syscalls import Param, event_type
from mozu.plugins.sources.ebpf.calls.watch import BLOCKS, NO_FD, NONE, PLAIN, POINTED, RESULT, ArgLayout, Block

_SIZES: Final = {
    "int16": 2, "uint16": 2, "flags16": 2, "int32": 4, "uint32": 4, "flags32": 4, "fd": 4, "uid": 4, "gid": 4,
    "int64": 8, "uint64": 8, "sigset": 8, "reltime": 16,
}  # fmt: skip
"""Type of a parameter → bytes of its value in memory; a reltime is a struct timespec."""
_LISTS: Final = {"fdlist": -8}
"""Type → negative size of an element; the next argument says how many there are."""
_TEXTS: Final = frozenset({"string", "fspath"})
_MEMORY: Final = re.compile(r"(?P<when>[*<>])(?P<argument>[0-5])(?:\+(?P<offset>\d+))?(?P<moved>-r)?")
_SPECIAL: Final[dict[str, tuple[Block, ...]]] = {
    "fsconfig": (Block(3, 0), Block(3, -1)),
    "getsockopt": (Block(3, POINTED, True),),
    "keyctl": (Block(1, 0), Block(2, 0), Block(3, 0)),
    "quotactl": (Block(3, 0), Block(3, 72, True)),
    "setsockopt": (Block(3, -1),),
}
"""What the parameters need that are read in a way of their own (the word `=`): see decode/special.py."""
_ADDRESSES: Final = {"connect": 1, "bind": 1}
"""Call → argument with a socket address; its length is the next argument."""
_ABOUT: Final = {"splice": 2}
"""Call with several descriptors → argument with the one that it is about; else it is the first."""


class Memory(NamedTuple):
    """A word that names memory, taken apart."""

    argument: int
    offset: int
    size: int
    """As in `Block`."""
    when: str
    moved: bool
    """The call has moved it on by its result."""


def memory_word(param: Param, word: str) -> Memory | None:
    """None for words that name something else."""
    match = _MEMORY.fullmatch(word)
    if match is None:
        return None
    size = 0 if param.type in _TEXTS else _LISTS.get(param.type) or _SIZES[param.type]
    return Memory(int(match["argument"]), int(match["offset"] or 0), size, match["when"], match["moved"] is not None)


def sources(name: str, order: str | None) -> Iterator[tuple[Param, str]]:
    """Each parameter of an event with the word that says where it comes from."""
    declared = event_type(name)
    params = () if declared is None else declared.params
    words = ("r", *map(str, range(len(params) - 1))) if order is None else tuple(order.split())
    return zip(params, words, strict=True) if params else iter(())


def _blocks(name: str, pairs: list[tuple[Param, str]]) -> tuple[Block, ...]:
    """The pieces of memory that the parameters come from, each once and as long as the longest asks for."""
    found = list(_SPECIAL.get(name, ()))
    for param, word in pairs:
        one = memory_word(param, word)
        if one is None:
            continue
        is_output = one.when != "*"
        if one.size <= 0:
            block = Block(one.argument, one.size, is_output)
            if block not in found:
                found.append(block)
            continue
        end = one.offset + one.size
        place = next((n for n, b in enumerate(found) if b.argument == one.argument and _is_fixed(b)), None)
        if place is None:
            found.append(Block(one.argument, end, is_output))
        else:
            old = found[place]
            found[place] = Block(old.argument, max(old.size, end), old.is_output or is_output)
    if name == "semop":
        found = [Block(1, -6)]  # so many as there are, not always two
    if len(found) > BLOCKS:
        raise ValueError(f"a record has room for {BLOCKS} pieces of memory: {found}")
    return tuple(found)


def _is_fixed(block: Block) -> bool:
    return 0 < block.size < POINTED


def shape_of(name: str, order: str | None) -> ArgLayout:
    """Derived from the types of the parameters and their words."""
    pairs = list(sources(name, order))
    texts: list[int] = []  # argument and directory of each
    for param, word in pairs:
        if word.isdigit() and param.type in ("fspath", "string"):
            texts += [int(word), NONE if param.type == "fspath" else PLAIN]
        elif word.isdigit() and param.type == "fsrelpath" and param.dirfd is not None:
            texts += [int(word), int(pairs[param.dirfd][1])]
    texts += (NONE, PLAIN) * (3 - len(texts) // 2)
    text, start, text2, start2, text3 = texts[:5]
    words = [word for _, word in pairs]
    at = {word[0]: int(word[1:]) for word in words if re.fullmatch(r"[dv]\d", word)}
    declared = event_type(name)
    incoming = declared is not None and ("reads_fd" in declared.traits or name.startswith("process_vm"))
    return ArgLayout(
        _descriptor(name, pairs), _ADDRESSES.get(name, NONE), text, start, text2, start2, text3, at.get("d", NONE),
        at.get("v", NONE), incoming and bool(at), _blocks(name, pairs),
    )  # fmt: skip


def _descriptor(name: str, pairs: list[tuple[Param, str]]) -> int:
    declared = event_type(name)
    if declared is not None and "creates_fd" in declared.traits:
        return RESULT
    if name in _ABOUT:
        return _ABOUT[name]
    return next((int(word) for param, word in pairs if param.type == "fd" and word.isdigit()), NO_FD)
