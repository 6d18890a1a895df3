"""What is known of one event type: the programs that make its records, and how they are read."""

import struct
from typing import Final, NamedTuple

RESULT: Final = -1
NO_FD: Final = -2
NONE: Final = -1
PLAIN: Final = -2
POINTED: Final = 127
"""The same numbers as in bpf/syscall_ctx.h."""
BLOCKS: Final = 3
"""Pieces of memory that a record can carry."""


class Program(NamedTuple):
    """One kernel program at one tracepoint."""

    function: str
    """In bpf/programs."""
    family: str
    """File in bpf/programs."""
    tracepoint: str
    """The kernel's name; `group` is its folder in tracefs."""
    raw: bool = False
    group: str = "syscalls"
    context: str = ""
    """Struct that the tracepoint hands over; none for programs of calls: the ways in hand those the call."""

    @property
    def entry(self) -> str:
        """Name of the program that calls the function."""
        return f"mozu_{self.function}"

    @property
    def is_handed_calls(self) -> bool:
        """Whether it runs behind the ways in, for all calls of its family, and not at a tracepoint of its own."""
        return not self.raw and not self.context


class Block(NamedTuple):
    """A piece of memory that an argument points to."""

    argument: int
    size: int
    """Bytes; 0: a text up to its NUL; below 0: so many times its negative as the next argument says; POINTED: as many
    as lie where the next argument points."""
    is_output: bool = False
    """The call writes it: its content counts when the call has returned."""


class ArgLayout(NamedTuple):
    """Which arguments of a call are what: struct arg_layout of bpf/syscall_ctx.h."""

    fd: int = RESULT
    address: int = NONE
    text: int = NONE
    dir: int = PLAIN
    text2: int = NONE
    dir2: int = PLAIN
    text3: int = NONE
    data: int = NONE
    vectors: int = NONE
    """Argument with an array of struct iovec; their number is the next argument."""
    incoming: bool = False
    """The bytes count only as far as the call brought them."""
    blocks: tuple[Block, ...] = ()

    def packed(self) -> bytes:
        """As the map ARG_LAYOUTS holds it."""
        arguments = [block.argument for block in self.blocks] + [NONE] * (BLOCKS - len(self.blocks))
        sizes = [block.size for block in self.blocks] + [0] * (BLOCKS - len(self.blocks))
        return struct.pack("<16b", *self[:-1], *arguments, *sizes)


SHAPE_SIZE: Final = len(ArgLayout().packed())


class SyscallSpec(NamedTuple):
    """One event type: the programs that make its records and how they are read."""

    name: str
    number: int
    decoder: str
    """Which function of the decoder reads it; the wire struct follows from it."""
    programs: tuple[Program, ...]
    order: tuple[str, ...] = ()
    """Where each parameter comes from (see `mozu.plugins.sources.ebpf.calls.declared`)."""
    shape: ArgLayout = ArgLayout()
