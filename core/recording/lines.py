"""The format of a recording: the JSON lines of events, state and names.

A line is JSON. An array is an event of a system call:

    [type, form, number, time, tid, pid, processor, descriptor, parameters, file, observed]

`form` says of what kinds the parameters are, a letter each. With a colon behind them `file` and `observed` are there,
and what follows the colon says what was observed; without, the line ends with the parameters. Every other line is an
object with the key `line`, which says what it is; a recording begins with `{"line":"recording"`. Bytes are base64. Text
that is not UTF-8 is written with lone surrogates (PEP 383).
"""

from typing import Annotated, Any, Final, Literal

import msgspec

from mozu.core.model.containers import ContainerMetadata
from mozu.core.model.event import SockAddr, SockTuple
from mozu.core.state import observed as observed_types

VERSION: Final = 1
MAGIC: Final = b'{"line":"recording",'
"""How every recording begins, once decompressed."""

Number = Annotated[int, msgspec.Meta(ge=0, le=(1 << 63) - 1)]
Task = Annotated[int, msgspec.Meta(ge=-1, le=(1 << 31) - 1)]
Descriptor = Annotated[int, msgspec.Meta(ge=-(1 << 63), le=(1 << 63) - 1)]

KINDS: Final[dict[str, Any]] = {
    "i": int, "s": str, "b": bytes, "n": None, "t": SockTuple, "a": SockAddr, "o": bool, "f": float,
    "l": tuple[tuple[int, int], ...],
}  # fmt: skip
"""Letter of a form → type of the parameter; `(…)` is a tuple of these."""
LETTERS: Final = {
    int: "i", str: "s", bytes: "b", type(None): "n", SockTuple: "t", SockAddr: "a", bool: "o", float: "f",
}  # fmt: skip

_WIRE_NAMES: Final = {"ProcSnapshot": "Looked"}
"""Classes that have another name in recordings: those written before must still be read."""
OBSERVATIONS: Final[dict[str, Any]] = {
    _WIRE_NAMES.get(name, name): value
    for name, value in vars(observed_types).items()
    if isinstance(value, type)
    and issubclass(value, msgspec.Struct)
    and value.__module__ == observed_types.__name__
    and not name.startswith("_")
}
"""Name in a form → class, for every observation of a source."""
INTERNAL: Final = {
    "_fork": "Forked", "_process": "KnownProcess", "_file": "KnownFile", "_enter": "Entered", "_unseen": "Event",
    "_cgroup": "Moved", "_exit": "", "_reset": "", "_state": "Restored", "_saved": "Saved", "_restored": "",
    "_looked": "Looked", "_repaired": "Looked",
}  # fmt: skip
"""Type of an event that is for the state only → the observation without which it means nothing."""
OBSERVATION_NAMES: Final = {value: name for name, value in OBSERVATIONS.items()}
ENTERED: Final = "Entered"
"""This observation holds parameters: `Entered=FORM`, and their value is [type, parameters]."""
UNSEEN: Final = "Event"
"""The observation is an event: its value is a line."""


class HeadLine(msgspec.Struct, tag="recording", tag_field="line", omit_defaults=True, frozen=True):
    """The beginning of a section; all that is before it may be forgotten."""

    version: int
    writer: str
    source: str
    """The instance that gave the events."""
    live: bool
    """Whether it watched a machine; a recording of a recording is read as the first one was."""
    origin: str
    """Identity of this stream of events: with the numbers of events it makes the ids of alerts."""
    hostname: str
    number: Number = 0
    """Of the last event before."""
    time: Number = 0
    """When the section begins, ns since the epoch."""
    lost: Number = 0
    """Events that could not be written just before."""
    addresses: tuple[bytes, ...] = ()
    """Of the machine's interfaces."""
    named: bool = False
    """Whether numbers of users and groups among parameters had names."""
    host_id: str = ""
    """The recorded machine and its boot, from which identities of processes are derived."""
    boot_id: str = ""
    boot_offset: int = 0
    """ns that the time namespace of who recorded it was shown more than the kernel counts from the boot."""
    values: tuple[str, ...] = ()
    """Fields of plugins whose values `values` lines hold."""


class TypeLine(msgspec.Struct, tag="type", tag_field="line", frozen=True):
    """The parameters of a type of event, before its first one."""

    name: str
    params: tuple[str, ...]


class StartLine(msgspec.Struct, tag="start", tag_field="line", frozen=True):
    """When the run began (ns since the epoch), from which `evt.reltime` counts."""

    time: Number


class UserLine(msgspec.Struct, tag="user", tag_field="line", frozen=True):
    """What a user's number means from here on; a name of null: nothing any more."""

    container: str
    """Full id; empty: the host."""
    uid: int
    name: str | None
    home: str | None = None
    """None: unknown to this line; so is the shell."""
    shell: str | None = None


class GroupLine(msgspec.Struct, tag="group", tag_field="line", frozen=True):
    """What a group's number means from here on."""

    container: str
    gid: int
    name: str | None


class ContainerLine(msgspec.Struct, tag="container", tag_field="line", frozen=True, omit_defaults=True):
    """A container's facts from this line on; null facts: nothing is known any more."""

    id: str
    metadata: ContainerMetadata | None = msgspec.field(name="facts")
    runtime: str = ""


class HostLine(msgspec.Struct, tag="host", tag_field="line", frozen=True):
    """The names in rules that an address was resolved from, from here on; none: it has none any more."""

    address: bytes
    names: tuple[str, ...]


class ValuesLine(msgspec.Struct, tag="values", tag_field="line", frozen=True):
    """What plugins' fields said of the events that follow, until the next line of this kind."""

    rows: tuple[dict[str, Any], ...]
    """Field with its argument (`acme.tag[x]`) → value; bytes as base64."""
    events: tuple[tuple[Number, Number], ...]
    """(number of an event, its place in `rows`)."""


class DataLine(msgspec.Struct, tag="data", tag_field="line", omit_defaults=True, frozen=True):
    """An event of a source of documents."""

    source: str
    type: str
    time: Number
    num: Number
    data: Any
    version: Number = 1
    """Of the event type (`DataEventType.version`) that `data` has the shape of."""


MetadataLine = StartLine | UserLine | GroupLine | ContainerLine | HostLine
"""Holds from its line on, until the next line of the same kind on the same subject."""


class NameLine(msgspec.Struct, frozen=True):
    """A line on a name, and which line of the section on the same subject makes it needless."""

    item: MetadataLine
    unless: Literal["equal", "same name", "any"] = "equal"


Other = HeadLine | TypeLine | MetadataLine | ValuesLine | DataLine
"""Every line that is an object."""


def form_of(values: tuple[Any, ...]) -> str:
    """The letters of some parameters. Raises KeyError for what no letter stands for."""
    return "".join(map(_letter, values))


def _letter(value: Any) -> str:
    if type(value) is not tuple:
        return LETTERS[type(value)]
    if all(type(item) is tuple and tuple(map(type, item)) == (int, int) for item in value):
        return "l"
    return f"({form_of(value)})"


def types_of(form: str) -> Any:
    """The tuple type of parameters of this form. Raises ValueError where it is none."""
    found, rest = _types(form)
    if rest:
        raise ValueError(f"form {form!r} has a bracket too many")
    return found


def _types(form: str) -> tuple[Any, str]:
    items: list[Any] = []
    while form and form[0] != ")":
        if form[0] == "(":
            inner, form = _types(form[1:])
            if not form:
                raise ValueError("a form has an open bracket")
            items.append(inner)
        elif form[0] in KINDS:
            items.append(KINDS[form[0]])
        else:
            raise ValueError(f"a form has the unknown letter {form[0]!r}")
        form = form[1:]
    return tuple.__class_getitem__(tuple(items)), form
