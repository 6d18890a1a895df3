"""The declaration of a field."""

import enum
from collections.abc import Callable
from typing import Any, Final

import msgspec

from mozu.core.model.event import Event
from mozu.core.model.fields.dependency import EVERYTHING, Dependency
from mozu.core.model.value_types import FieldValue

Reader = Callable[[Any], FieldValue]
"""Function from an event (of the class that the field's `sources` have) to the field's value in its native type, or
None if it has none. Must be pure and cheap; may be called late, for an event of the past."""


class FieldType(enum.Enum):
    """The type of a field: how values compare and print."""

    STRING = "string"
    """Values are str (surrogateescape)."""
    PATH = "path"
    """Values are str."""
    BYTES = "bytes"
    """Values are bytes; they print as printable ASCII and dots."""
    INT = "int"
    UINT = "uint"
    BOOL = "bool"
    DOUBLE = "double"
    PORT = "port"
    """Values are int; constants may be service names."""
    ABSTIME = "abstime"
    """Values are int, ns since the epoch."""
    RELTIME = "reltime"
    """Values are int, ns."""
    IPADDR = "ipaddr"
    """Values are bytes of length 4 or 16."""
    IPNET = "ipnet"
    """Values are addresses (bytes); constants are networks."""


class Argument(enum.Enum):
    """The argument that may follow a field's name."""

    NONE = "none"
    INDEX_OPTIONAL = "index?"
    """An index, `[2]`, which may be left out."""
    INDEX = "index"
    KEY_OPTIONAL = "key?"
    """A key, `[HOME]`, which may be left out."""
    KEY = "key"
    DOTTED = "dotted"
    """A name after a dot, part of the token (`evt.arg.flags`, `thread.cgroup.memory`)."""
    DOTTED_OR_INDEX = "dotted|index"
    """A name or an index: `evt.arg.flags` or `evt.arg[2]`."""
    DOTTED_OPTIONAL = "dotted?"
    """A name after a dot, which may be left out: `evt.abspath.src`."""
    KEY_OR_DOTTED = "key|dotted"
    """A key in brackets or after a dot: `container.label[app]` or `container.label.app`."""


OPTIONAL_ARGUMENTS: Final = frozenset(
    {Argument.NONE, Argument.INDEX_OPTIONAL, Argument.KEY_OPTIONAL, Argument.DOTTED_OPTIONAL}
)
"""Arguments that may be left out."""


class Match(enum.Enum):
    """The way in which a test applies to the reader's result."""

    ONE = "one"
    """The test applies to the value."""
    ANY = "any"
    """The reader returns a tuple; the test holds if it holds for any element (bare `proc.aname`)."""
    ENDPOINTS = "endpoints"
    """The reader returns a tuple of the two ends, or of all paths of a file; `!=` must hold for all of them, every
    other test for any (`fd.ip`, `fd.port`, `fd.net`, `fd.paths`)."""
    NAMES = "names"
    """The reader returns a tuple of all names of one thing, (None,) if it has none: `!=` holds if no name is equal and
    for a thing without a name, every other test if it holds for any (`fd.sip.name`)."""


class Resolved(msgspec.Struct, frozen=True):
    """A field with its argument, ready to read."""

    field: "Field"
    text: str
    """The field as written, the key in `output_fields`."""
    argument: str | None
    type: FieldType
    is_list: bool
    """True if the reader returns a tuple of values."""
    match: Match
    read: Reader
    needs: frozenset[str]
    show: Reader
    """Reader for outputs: `read`, except if a condition sees more than an output shows (bare `proc.aname`)."""


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """A declaration of a field, with one of `read` and `bind`, or neither: the field is then known and has no value
    here."""

    name: str
    type: FieldType
    doc: str
    """A sentence in mozu's own words, printed by `mozu fields` and docs/rules/fields.md."""
    read: Reader | None = None
    bind: Callable[[str | None, str | None], Reader | None] | None = None
    """Function from (argument, event type or None for any) to a reader; None if events of this type never have a value.
    Raises UnknownField for a bad argument. Called at load time, so that readers can be specialised."""
    show: Reader | None = None
    """Reader of the bare form in outputs, if that differs from what conditions test."""
    argument: Argument = Argument.NONE
    is_list: bool = False
    bits: int = 64
    """Width of an INT or UINT: constants of rules are cut to it, so that -1 means the largest UINT."""
    match: Match = Match.ONE
    """Match of the bare form (without argument)."""
    sources: frozenset[str] = frozenset({"syscall"})
    """Source classes that have the field; `*` stands for every source."""
    needs: frozenset[str] | None = None
    """Facts that must be kept or fetched so that the field can be read: state dependencies (`cwd`, `ids`, `env`, `fds`
    … of `core.filter.demand`) and `enricher:NAME`. None: not declared; for a plugin's field of system calls everything
    is then kept."""
    is_of_any_type: bool = False
    """True if `bind` returns the same reader for every event type."""
    narrowed: Callable[[str | None, str], frozenset[str]] | None = None
    """Function from (argument, event type) to the part of `needs` that events of this type really need."""
    depends: frozenset[Dependency] = EVERYTHING
    """Dependencies with which the value can change. A source that filters by process keeps answers about a field only
    as long as it sees that none of them has changed."""
    traits: frozenset[str] = frozenset()
    """Further properties: no_rhs, no_transformer, filter_only, hidden, deprecated, suggested, hex, padded, output_time,
    dynamic (the type is the parameter's), host_name (constants are names of hosts), at_most (`=` holds for every value
    up to the constant)."""
    format: str = ""
    """Format of a number: `` decimal, `hex` (upper case), `octal` (both without prefix), `padded` (nine digits)."""
    variant: "Callable[[str | None], Field] | None" = None
    """Function from the argument to its declaration, if type, format or needs depend on the argument
    (`evt.rawarg.flags`)."""
    unavailable: str = ""
    """A sentence with the reason that a known field cannot be read here; such a field is refused with it at load
    time."""

    @property
    def depends_on_type(self) -> bool:
        """True if reader or needs may differ between event types."""
        return self.narrowed is not None or not (self.bind is None or self.is_of_any_type)

    @property
    def is_bare(self) -> bool:
        """True if the field may be named without an argument."""
        return self.argument in OPTIONAL_ARGUMENTS

    def reads(self, argument: str | None, event_type: str | None) -> Reader | None:
        """Return the reader for one event type; None if its events never have a value."""
        if self.bind is not None:
            return self.bind(argument, event_type)
        return self.read


def never(_: Event) -> None:
    """Return None: the reader of a field without a value."""
    return
