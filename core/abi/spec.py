"""What is known of one system call: its number, where each parameter of its event comes from, its argument layout."""

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

RESULT: Final = -1
NO_FD: Final = -2
"""Instead of an argument in `ArgLayout.fd`: the event is about the descriptor that the call returns, or about none."""
NO_ARGUMENT: Final = -1
NOT_A_PATH: Final = -2
"""Instead of an argument in `ArgLayout.dir` and `dir2`: a path that starts from the working directory, and a text that
is no path."""
POINTED: Final = 127
"""Instead of a size in `MemoryBlock.size`: a value-result length, such as optlen of getsockopt."""
MAX_BLOCKS: Final = 3
"""Memory blocks of one call."""
FIRST_EVENT: Final = 1000
"""Numbers from here on are those of kernel events that are no system calls."""

ParamReader = Callable[[Sequence[int], int, Sequence[bytes]], Any]
"""(arguments, result, memory blocks in the order of `ArgLayout.blocks`) → value of a parameter."""


class MemoryBlock(NamedTuple):
    """A piece of memory that an argument points to."""

    argument: int
    size: int
    """Bytes; 0: a text up to its NUL; below 0: so many times its negative as the next argument says; POINTED: as many
    as lie where the next argument points."""
    is_output: bool = False
    """The call writes it: its content counts when the call has returned."""


class ArgLayout(NamedTuple):
    """Which arguments of a call are descriptors, paths, socket addresses, buffers, memory blocks."""

    fd: int = RESULT
    address: int = NO_ARGUMENT
    """A struct sockaddr; its length is the next argument."""
    text: int = NO_ARGUMENT
    dir: int = NOT_A_PATH
    """The descriptor of the directory that `text` starts from; `dir2` is that of `text2`."""
    text2: int = NO_ARGUMENT
    dir2: int = NOT_A_PATH
    text3: int = NO_ARGUMENT
    data: int = NO_ARGUMENT
    """A buffer; its length is the next argument."""
    vectors: int = NO_ARGUMENT
    """An array of struct iovec; their number is the next argument."""
    incoming: bool = False
    """The buffer's bytes count only as far as the call's result says."""
    blocks: tuple[MemoryBlock, ...] = ()


class SyscallSpec(NamedTuple):
    """One event type of the live sources: which call it is of, and how its parameters are read."""

    name: str
    """The event type (`mozu.core.model.syscalls`)."""
    number: int
    """Of the call, on every machine that of x86-64; from FIRST_EVENT on, of a kernel event that is no call."""
    family: str
    """Calls of one family are read by the same code."""
    operands: tuple[str, ...] = ()
    """Where each parameter comes from, in the notation of `mozu.core.abi.syscall_tables`."""
    layout: ArgLayout = ArgLayout()

    @property
    def is_syscall(self) -> bool:
        """Whether it is a call, and not an event of the scheduler, of signals or of memory management."""
        return self.number < FIRST_EVENT
