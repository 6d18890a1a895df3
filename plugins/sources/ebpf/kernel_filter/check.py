"""The leaves of a kernel filter: tests of a call that a program in the kernel can make."""

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Final

import msgspec

from mozu.core.filter.formula import (
    FALSE,
    TRUE,
    UNKNOWN,
    Bounds,
    Formula,
    Leaf,
    exactly,
    fold,
    leaves,
    necessary,
    substitute,
)
from mozu.plugins.sources.ebpf.kernel_filter.address_lists import AddressList

NEVER: Final = Bounds(FALSE, TRUE)
"""Bounds of a comparison that is false if it has a value, and may have none."""
AT_HAND: Final = 32
"""Bytes after the last slash that are in `file` of struct filter_scratch; the place of later ones is computed."""
_WORD: Final = 8
_COMPUTED: Final = 3
"""Cost of a read from a computed place, in comparisons."""
_HINT: Final = 10
"""Cost of a search for a byte in the whole name, in comparisons."""
_SEARCH: Final = 60
"""Cost of a search for a text in the whole name, in comparisons."""


class Subject(Enum):
    """Subject of a test, which must have been read before. The value: struct of bpf/, and prefix of its members."""

    CALL = ("syscall_ctx", "")
    """Arguments and result of the call."""
    OPEN = ("filter_scratch", "open.")
    """Arguments of an open: part_open_args."""
    NAME = ("filter_scratch", "given.")
    """The normalized path as given: part_name."""
    REAL = ("filter_scratch", "real.")
    """The path that an open reached: part_reached."""
    SOCKET = ("filter_scratch", "sock.")
    """The descriptor: part_sock."""
    FACTS = ("filter_scratch", "facts.")
    """Facts that only kill rules test: kill_part_socket, kill_part_executable."""
    CLIENT = ("filter_scratch", "client.")
    """The end of a connection that connected: part_ends."""
    SERVER = ("filter_scratch", "server.")
    """The end that was connected to: part_ends."""
    PROCESS = ("verdicts", "")
    """The verdict on the process: part_process_bits."""


PATHS: Final = frozenset((Subject.NAME, Subject.REAL))
"""Subjects that are paths: the given one, and the reached one."""
ENDS: Final = frozenset((Subject.CLIENT, Subject.SERVER))
"""Subjects that are ends of a connection."""


class Check(Leaf, frozen=True):
    """Base of the kernel filter's tests."""

    @property
    def subject(self) -> Subject:
        """Subject of the test."""
        raise NotImplementedError  # abstract: each kind of test has its own

    @property
    def cost(self) -> int:
        """Cost in comparisons; cheap tests come first."""
        return 1

    @property
    def of_name(self) -> bool:
        """True if the test is about a path, which must have been read."""
        return self.subject in PATHS

    @property
    def of_end(self) -> bool:
        """True if the test is about an end of a connection, which must have been read."""
        return self.subject in ENDS

    @property
    def of_process(self) -> bool:
        """True if the test reads the verdict on the process."""
        return self.subject is Subject.PROCESS


class NumberCheck(Check, frozen=True):
    """A number compared with a constant: `(number & mask) relation constant`."""

    about: Subject
    member: str
    """Member of the subject's struct: `result`, `args`, `flags` …"""
    relation: str
    """Operator ==, !=, <, <=, >, >=; signed if the member is."""
    constant: int
    element: int = 0
    """Index in an array."""
    narrow: bool = False
    """True for the lower 32 bits only, unsigned."""
    mask: int | None = None
    """Mask of a narrow number, or of a member of at most 32 bits; None for all bits."""

    @property
    def subject(self) -> Subject:
        """The given subject."""
        return self.about


class NamePart(Enum):
    """Place in a name from which bytes are counted."""

    START = "start"
    """Offset after the name's beginning."""
    FILE = "file"
    """Offset after the last slash."""
    END = "end"
    """Offset before the name's end."""


class BytesCheck(Check, frozen=True):
    """Test for bytes of the name, `offset` bytes after a place or before its end."""

    part: NamePart
    offset: int
    value: bytes
    about: Subject = Subject.NAME

    @property
    def subject(self) -> Subject:
        """The given subject."""
        return self.about

    @property
    def cost(self) -> int:
        """Cost by words of eight bytes."""
        words = -(-len(self.value) // _WORD)
        near = {NamePart.START: words, NamePart.FILE: AT_HAND // _WORD, NamePart.END: 0}[self.part]
        return words + (_COMPUTED - 1) * max(words - near, 0)


class SearchCheck(Check, frozen=True):
    """Test for a text anywhere in the name; of up to sixteen bytes."""

    text: bytes
    about: Subject = Subject.NAME

    @property
    def subject(self) -> Subject:
        """The given subject."""
        return self.about

    @property
    def cost(self) -> int:
        """Cost of the search."""
        return _SEARCH


class ByteHint(Check, frozen=True):
    """Test for a byte that may occur in the name. Searching for it is much faster than searching for a text."""

    byte: int
    about: Subject = Subject.NAME

    @property
    def subject(self) -> Subject:
        """The given subject."""
        return self.about

    @property
    def cost(self) -> int:
        """Cost of reading all words of most names."""
        return _HINT


class ProcessCheck(Check, frozen=True):
    """Test of a process predicate that may be true: its bit of the verdict."""

    number: int

    @property
    def subject(self) -> Subject:
        """The process."""
        return Subject.PROCESS


class AddressCheck(Check, frozen=True):
    """Test for an end's address being in a list."""

    about: Subject
    listed: AddressList

    @property
    def subject(self) -> Subject:
        """The given subject."""
        return self.about


def checks(formula: Formula) -> list[Check]:
    """Return every test of the formula once."""
    return [leaf for leaf in leaves(formula) if isinstance(leaf, Check)]


def has(formula: Formula, test: Callable[[Check], bool]) -> bool:
    """Return True if `test` is true of any test of the formula."""
    return any(map(test, checks(formula)))


def replaced(formula: Formula, change: Callable[[Check], Formula]) -> Formula:
    """Return the formula with each test replaced by the result of `change`."""

    def visit(leaf: Leaf) -> Formula:
        assert isinstance(leaf, Check)
        return change(leaf)

    return substitute(formula, visit)


def about(formula: Formula, subject: Subject) -> Formula:
    """Return the formula with its tests of paths made about this subject."""

    def moved(check: Check) -> Formula:
        if isinstance(check, NumberCheck | BytesCheck | SearchCheck | ByteHint) and check.of_name:
            return msgspec.structs.replace(check, about=subject)
        return check

    return replaced(formula, moved)


def without(formula: Formula, test: Callable[[Check], bool]) -> Formula:
    """Return the formula's necessary condition on the other tests, for any values of these."""

    def bounds(leaf: Leaf) -> Bounds:
        assert isinstance(leaf, Check)
        return UNKNOWN if test(leaf) else exactly(leaf)

    return necessary(formula, bounds).true


def assumed(formula: Formula, known: Mapping[Check, bool]) -> Formula:
    """Return the formula with the known values of some tests inserted."""
    return replaced(formula, lambda check: check if check not in known else TRUE if known[check] else FALSE)


def cost(formula: Formula) -> int:
    """Return the cost of the whole formula, as if all of it were tested."""
    return fold(formula, lambda node, inner: node.cost if isinstance(node, Check) else sum(inner))
