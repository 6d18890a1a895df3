"""The leaves of a kernel filter: what a program in the kernel can test of a call."""

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

NEVER: Final = Bounds(FALSE, TRUE)
"""Of what is false wherever it has a value, and may have none."""
AT_HAND: Final = 32
"""Bytes after the last slash that lie in `file` of struct filter_scratch; for later ones the place is computed."""
_WORD: Final = 8
_COMPUTED: Final = 3
"""What it costs to read where the place has to be computed, in comparisons."""
_HINT: Final = 10
"""What it costs to look for a byte everywhere."""
_SEARCH: Final = 60
"""What it costs to look for a text everywhere, in comparisons."""


class Subject(Enum):
    """What a test is about; it must have been read before. The value: struct of bpf/, and what members begin with."""

    CALL = ("syscall_ctx", "")
    """Arguments and result."""
    OPEN = ("filter_scratch", "open.")
    """What an open was asked for: part_open_args."""
    NAME = ("filter_scratch", "given.")
    """The plain path that was given: part_name."""
    REAL = ("filter_scratch", "real.")
    """The path that an open reached: part_reached."""
    SOCKET = ("filter_scratch", "sock.")
    """The descriptor: part_sock."""
    FACTS = ("filter_scratch", "facts.")
    """What kill rules alone test: kill_part_socket, kill_part_executable."""
    PROCESS = ("verdicts", "")
    """The verdict on the process: part_process_bits."""


PATHS: Final = frozenset((Subject.NAME, Subject.REAL))
"""A path that was given, and the one that was reached."""


class Check(Leaf, frozen=True):
    """A test of the kernel filter; its kinds are below."""

    @property
    def subject(self) -> Subject:
        """What it is about."""
        raise NotImplementedError  # abstract: each kind of test has its own

    @property
    def cost(self) -> int:
        """In comparisons; cheap ones come first."""
        return 1

    @property
    def of_name(self) -> bool:
        """Whether it looks at a path, which must have been read."""
        return self.subject in PATHS

    @property
    def of_process(self) -> bool:
        """Whether it reads the verdict on the process."""
        return self.subject is Subject.PROCESS


class NumberCheck(Check, frozen=True):
    """A number compared with a constant: `(number & mask) relation constant`."""

    about: Subject
    member: str
    """Of the subject's struct: `result`, `args`, `flags` …"""
    relation: str
    """==, !=, <, <=, >, >=; signed where the member is."""
    constant: int
    element: int = 0
    """Of an array."""
    narrow: bool = False
    """Only the lower 32 bits, unsigned."""
    mask: int | None = None
    """Of a narrow number, or of a member of 32 bits at most."""

    @property
    def subject(self) -> Subject:
        """As given."""
        return self.about


class NamePart(Enum):
    """Where in a name bytes stand."""

    START = "start"
    """So many bytes after its beginning."""
    FILE = "file"
    """So many bytes after its last slash."""
    END = "end"
    """So many bytes before its end."""


class BytesCheck(Check, frozen=True):
    """Whether these bytes stand in the name, `offset` bytes after a place or before its end."""

    part: NamePart
    offset: int
    value: bytes
    about: Subject = Subject.NAME

    @property
    def subject(self) -> Subject:
        """As given."""
        return self.about

    @property
    def cost(self) -> int:
        """By words of eight bytes."""
        words = -(-len(self.value) // _WORD)
        near = {NamePart.START: words, NamePart.FILE: AT_HAND // _WORD, NamePart.END: 0}[self.part]
        return words + (_COMPUTED - 1) * max(words - near, 0)


class SearchCheck(Check, frozen=True):
    """Whether a text stands anywhere in the name; of up to sixteen bytes."""

    text: bytes
    about: Subject = Subject.NAME

    @property
    def subject(self) -> Subject:
        """As given."""
        return self.about

    @property
    def cost(self) -> int:
        """Of the search."""
        return _SEARCH


class ByteHint(Check, frozen=True):
    """Whether a byte may occur in the name. A search for it is much shorter than one for a text."""

    byte: int
    about: Subject = Subject.NAME

    @property
    def subject(self) -> Subject:
        """As given."""
        return self.about

    @property
    def cost(self) -> int:
        """Of looking at all words of most names."""
        return _HINT


class ProcessCheck(Check, frozen=True):
    """Whether a process predicate may hold of the process: its bit of the verdict."""

    number: int

    @property
    def subject(self) -> Subject:
        """The process."""
        return Subject.PROCESS


def checks(formula: Formula) -> list[Check]:
    """Every test once."""
    return [leaf for leaf in leaves(formula) if isinstance(leaf, Check)]


def has(formula: Formula, test: Callable[[Check], bool]) -> bool:
    """Whether some test is such."""
    return any(map(test, checks(formula)))


def replaced(formula: Formula, change: Callable[[Check], Formula]) -> Formula:
    """The same with other tests."""

    def visit(leaf: Leaf) -> Formula:
        assert isinstance(leaf, Check)
        return change(leaf)

    return substitute(formula, visit)


def about(formula: Formula, subject: Subject) -> Formula:
    """The same tests of paths, made of this one."""

    def moved(check: Check) -> Formula:
        if isinstance(check, NumberCheck | BytesCheck | SearchCheck | ByteHint) and check.of_name:
            return msgspec.structs.replace(check, about=subject)
        return check

    return replaced(formula, moved)


def without(formula: Formula, test: Callable[[Check], bool]) -> Formula:
    """What must hold of the other tests, whatever these say."""

    def bounds(leaf: Leaf) -> Bounds:
        assert isinstance(leaf, Check)
        return UNKNOWN if test(leaf) else exactly(leaf)

    return necessary(formula, bounds).true


def assumed(formula: Formula, known: Mapping[Check, bool]) -> Formula:
    """The same where it is known of some tests whether they hold."""
    return replaced(formula, lambda check: check if check not in known else TRUE if known[check] else FALSE)


def cost(formula: Formula) -> int:
    """Of the whole, as if everything had to be looked at."""
    return fold(formula, lambda node, inner: node.cost if isinstance(node, Check) else sum(inner))
