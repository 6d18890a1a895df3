"""The facts about one system call: its number, where each parameter of its event comes from, its argument layout."""

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

RESULT: Final = -1
NO_FD: Final = -2
"""Values in `ArgLayout.fd` instead of an argument: the event is about the descriptor that the call returns, or about
none."""
NO_ARGUMENT: Final = -1
NOT_A_PATH: Final = -2
"""Values in `ArgLayout.dir` and `dir2` instead of an argument: a path that starts from the working directory, and a
text that is no path."""
POINTED: Final = 127
"""Value in `MemoryBlock.size` instead of a size: a value-result length, such as optlen of getsockopt."""
MAX_BLOCKS: Final = 3
"""The most memory blocks of one call."""
FIRST_EVENT: Final = 1000
"""The first number of kernel events that are no system calls."""

ParamReader = Callable[[Sequence[int], int, Sequence[bytes]], Any]
"""Function from (arguments, result, memory blocks in the order of `ArgLayout.blocks`) to the value of a parameter."""


class MemoryBlock(NamedTuple):
    """A piece of memory that an argument points to."""

    argument: int
    size: int
    """Size in bytes; 0: a text up to its NUL; negative: its absolute value times the number in the next argument;
    POINTED: the number that the next argument points to."""
    is_output: bool = False
    """True if the call writes the memory: its content counts when the call has returned."""


class ArgLayout(NamedTuple):
    """The arguments of a call that are descriptors, paths, socket addresses, buffers, memory blocks."""

    fd: int = RESULT
    address: int = NO_ARGUMENT
    """Argument with a struct sockaddr; its length is the next argument."""
    text: int = NO_ARGUMENT
    dir: int = NOT_A_PATH
    """Argument with the descriptor of the directory that `text` starts from; `dir2` is that of `text2`."""
    text2: int = NO_ARGUMENT
    dir2: int = NOT_A_PATH
    text3: int = NO_ARGUMENT
    data: int = NO_ARGUMENT
    """Argument with a buffer; its length is the next argument."""
    vectors: int = NO_ARGUMENT
    """Argument with an array of struct iovec; their number is the next argument."""
    incoming: bool = False
    """True if the call's result limits the valid bytes of the buffer."""
    blocks: tuple[MemoryBlock, ...] = ()


class SyscallSpec(NamedTuple):
    """An event type of the live sources: the call it belongs to, and how its parameters are read."""

    name: str
    """The event type (`mozu.core.model.syscalls`)."""
    number: int
    """Number of the call, on every machine that of x86-64; from FIRST_EVENT on, of a kernel event that is no call."""
    family: str
    """The family; its calls are read by the same code."""
    operands: tuple[str, ...] = ()
    """The origin of each parameter, in the notation of `mozu.core.abi.syscall_tables`."""
    layout: ArgLayout = ArgLayout()

    @property
    def is_syscall(self) -> bool:
        """True for a call, False for an event of the scheduler, of signals or of memory management."""
        return self.number < FIRST_EVENT
