"""What a field is."""

import enum
from collections.abc import Callable
from typing import Any, Final

import msgspec

from mozu.core.model.event import Event
from mozu.core.model.fields.dependency import EVERYTHING, Dependency
from mozu.core.model.value_types import FieldValue

Reader = Callable[[Any], FieldValue]
"""Takes an event (of the class that the field's `sources` have), gives the field's value in its native type, or None
where it has none. Must be pure and cheap; may be called late, for an event of the past."""


class FieldType(enum.Enum):
    """How values compare and print."""

    STRING = "string"
    """str (surrogateescape)."""
    PATH = "path"
    """str."""
    BYTES = "bytes"
    """bytes; prints printable ASCII and dots."""
    INT = "int"
    UINT = "uint"
    BOOL = "bool"
    DOUBLE = "double"
    PORT = "port"
    """int; constants may be service names."""
    ABSTIME = "abstime"
    """int, ns since the epoch."""
    RELTIME = "reltime"
    """int, ns."""
    IPADDR = "ipaddr"
    """bytes of length 4 or 16."""
    IPNET = "ipnet"
    """The value is an address (bytes); constants are networks."""


class Argument(enum.Enum):
    """What may follow the name."""

    NONE = "none"
    INDEX_OPTIONAL = "index?"
    """`[2]`."""
    INDEX = "index"
    KEY_OPTIONAL = "key?"
    """`[HOME]`."""
    KEY = "key"
    DOTTED = "dotted"
    """`.name`, part of the token (`evt.arg.flags`, `thread.cgroup.memory`)."""
    DOTTED_OR_INDEX = "dotted|index"
    """`evt.arg.flags` or `evt.arg[2]`."""
    DOTTED_OPTIONAL = "dotted?"
    """`evt.abspath.src`."""
    KEY_OR_DOTTED = "key|dotted"
    """`container.label[app]` or `container.label.app`."""


OPTIONAL_ARGUMENTS: Final = frozenset(
    {Argument.NONE, Argument.INDEX_OPTIONAL, Argument.KEY_OPTIONAL, Argument.DOTTED_OPTIONAL}
)
"""With these a field may be named without an argument."""


class Match(enum.Enum):
    """How a test applies to what the reader gives."""

    ONE = "one"
    """To the value."""
    ANY = "any"
    """The reader gives a tuple; the test holds if it holds for any element (bare `proc.aname`)."""
    ENDPOINTS = "endpoints"
    """The reader gives a tuple of the two ends, or of all paths of a file; `!=` wants all, every other test any
    (`fd.ip`, `fd.port`, `fd.net`, `fd.paths`)."""
    NAMES = "names"
    """The reader gives a tuple of all names of one thing, (None,) where it has none: `!=` wants none of them to be
    equal and holds for what has no name, every other test wants any (`fd.sip.name`)."""


class Resolved(msgspec.Struct, frozen=True):
    """A field with its argument, ready to read."""

    field: "Field"
    text: str
    """Falco as written, the key in `output_fields`."""
    argument: str | None
    type: FieldType
    is_list: bool
    """The reader gives a tuple of values."""
    match: Match
    read: Reader
    needs: frozenset[str]
    show: Reader
    """What outputs print: `read`, except where a condition sees more than an output shows (bare `proc.aname`)."""


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """A declaration. One of `read` and `bind` is given, or neither: then the field is known and has no value here."""

    name: str
    type: FieldType
    doc: str
    """One sentence in mozu's own words; `mozu fields` and docs/fields.md print it."""
    read: Reader | None = None
    bind: Callable[[str | None, str | None], Reader | None] | None = None
    """(argument, event type or None for any) → a reader; None: this event type has no such value, ever.
    Raises UnknownField for a bad argument. Called at load time, so that readers can be specialised."""
    show: Reader | None = None
    """What the bare form prints in outputs, where that is not what conditions test."""
    argument: Argument = Argument.NONE
    is_list: bool = False
    bits: int = 64
    """Width of an INT or UINT: constants of rules are cut to it, so that -1 means the largest UINT."""
    match: Match = Match.ONE
    """What the bare form (without argument) does."""
    sources: frozenset[str] = frozenset({"syscall"})
    """Source classes that have it; `*` stands for every source."""
    needs: frozenset[str] | None = None
    """What must be kept or fetched so that it can be read: state dependencies (`cwd`, `ids`, `env`, `fds` … of
    `core.filter.demand`) and `enricher:NAME`. None: not declared; for a plugin's field of system calls everything is
    then kept."""
    narrowed: Callable[[str | None, str], frozenset[str]] | None = None
    """(argument, event type) → what of `needs` events of that type really need."""
    depends: frozenset[Dependency] = EVERYTHING
    """What its value can change with. A source that filters by process keeps answers about a field only as
    long as it sees that nothing of this has changed."""
    traits: frozenset[str] = frozenset()
    """no_rhs, no_transformer, filter_only, hidden, deprecated, suggested, hex, padded, output_time,
    dynamic (the type is the parameter's), host_name (constants are names of hosts), at_most (`=` holds for every value
    up to the constant)."""
    format: str = ""
    """How a number prints: `` decimal, `hex` (upper case), `octal` (both without prefix), `padded` (nine digits)."""
    variant: "Callable[[str | None], Field] | None" = None
    """Argument → the declaration that holds for it, where type, format or needs hang on it (`evt.rawarg.flags`)."""
    unavailable: str = ""
    """Why a known field cannot be read here; such a field is refused at load time with this sentence."""

    @property
    def is_bare(self) -> bool:
        """Whether it may be named without an argument."""
        return self.argument in OPTIONAL_ARGUMENTS

    def reads(self, argument: str | None, event_type: str | None) -> Reader | None:
        """The reader for one event type."""
        if self.bind is not None:
            return self.bind(argument, event_type)
        return self.read


def never(_: Event) -> None:
    """The reader of what has no value."""
    return
