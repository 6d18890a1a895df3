"""The format of a recording: the JSON lines of events, state and names.

A line is JSON. An array is an event of a system call:

    [type, form, number, time, tid, pid, processor, descriptor, parameters, file, observed]

`form` has one letter per parameter, for its kind. If a colon follows the letters, `file` and `observed` are present,
and
the text after the colon names the observation; otherwise the line ends with the parameters. Every other line is an
object with the key `line`, which names its kind; a recording begins with `{"line":"recording"`. Bytes are base64. Text
that is not UTF-8 is written with lone surrogates (PEP 383).
"""

from typing import Annotated, Any, Final, Literal

import msgspec

from mozu.core.model.containers import ContainerMetadata
from mozu.core.model.event import SockAddr, SockTuple
from mozu.core.state import observed as observed_types

VERSION: Final = 1
MAGIC: Final = b'{"line":"recording",'
"""First bytes of every recording, once decompressed."""

Number = Annotated[int, msgspec.Meta(ge=0, le=(1 << 63) - 1)]
Task = Annotated[int, msgspec.Meta(ge=-1, le=(1 << 31) - 1)]
Descriptor = Annotated[int, msgspec.Meta(ge=-(1 << 63), le=(1 << 63) - 1)]

KINDS: Final[dict[str, Any]] = {
    "i": int, "s": str, "b": bytes, "n": None, "t": SockTuple, "a": SockAddr, "o": bool, "f": float,
    "l": tuple[tuple[int, int], ...],
}  # fmt: skip
"""Letter of a form → type of the parameter; `(…)` is a tuple of these types."""
LETTERS: Final = {
    int: "i", str: "s", bytes: "b", type(None): "n", SockTuple: "t", SockAddr: "a", bool: "o", float: "f",
}  # fmt: skip

_WIRE_NAMES: Final = {"ProcSnapshot": "Looked"}
"""Class → its different name in recordings: recordings written under the earlier name must remain readable."""
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
"""Type of an event that is for the state only → the observation it needs."""
OBSERVATION_NAMES: Final = {value: name for name, value in OBSERVATIONS.items()}
ENTERED: Final = "Entered"
"""Name of the observation that holds parameters: `Entered=FORM`, with the value [type, parameters]."""
UNSEEN: Final = "Event"
"""Name of the observation that is itself an event: its value is a line."""


class HeadLine(msgspec.Struct, tag="recording", tag_field="line", omit_defaults=True, frozen=True):
    """The beginning of a section; a reader may forget all lines before it."""

    version: int
    writer: str
    source: str
    """The instance that emitted the events."""
    live: bool
    """True if the source watched a machine; a recording of a recording has the value of the first one."""
    origin: str
    """Identity of this stream of events: together with event numbers it makes the ids of alerts."""
    hostname: str
    number: Number = 0
    """Number of the last event before the section."""
    time: Number = 0
    """Time at which the section begins, ns since the epoch."""
    lost: Number = 0
    """Number of events just before the section that could not be written."""
    addresses: tuple[bytes, ...] = ()
    """Addresses of the machine's interfaces."""
    named: bool = False
    """True if numbers of users and groups among parameters had names."""
    host_id: str = ""
    """Id of the recorded machine; together with the boot id it determines the identities of processes."""
    boot_id: str = ""
    boot_offset: int = 0
    """ns by which the boot time in the recorder's time namespace exceeds the kernel's own."""
    values: tuple[str, ...] = ()
    """Fields of plugins with values in `values` lines."""


class TypeLine(msgspec.Struct, tag="type", tag_field="line", frozen=True):
    """The parameters of a type of event, before its first event."""

    name: str
    params: tuple[str, ...]


class StartLine(msgspec.Struct, tag="start", tag_field="line", frozen=True):
    """Time at which the run began (ns since the epoch), from which `evt.reltime` counts."""

    time: Number


class UserLine(msgspec.Struct, tag="user", tag_field="line", frozen=True):
    """The facts of a user's number from this line on; a name of null: the user no longer exists."""

    container: str
    """Full container id; empty: the host."""
    uid: int
    name: str | None
    home: str | None = None
    """The home directory; None if this line does not know it, as for the shell."""
    shell: str | None = None


class GroupLine(msgspec.Struct, tag="group", tag_field="line", frozen=True):
    """The name of a group's number from this line on; null: the group no longer exists."""

    container: str
    gid: int
    name: str | None


class ContainerLine(msgspec.Struct, tag="container", tag_field="line", frozen=True, omit_defaults=True):
    """The facts of a container from this line on; null facts: nothing is known any longer."""

    id: str
    metadata: ContainerMetadata | None = msgspec.field(name="facts")
    runtime: str = ""


class HostLine(msgspec.Struct, tag="host", tag_field="line", frozen=True):
    """The names in rules that an address was resolved from, from this line on; empty: it has none any longer."""

    address: bytes
    names: tuple[str, ...]


class ValuesLine(msgspec.Struct, tag="values", tag_field="line", frozen=True):
    """The values of plugins' fields for the events that follow, until the next line of this kind."""

    rows: tuple[dict[str, Any], ...]
    """Field with its argument (`acme.tag[x]`) → value; bytes as base64."""
    events: tuple[tuple[Number, Number], ...]
    """(number of an event, index in `rows`)."""


class DataLine(msgspec.Struct, tag="data", tag_field="line", omit_defaults=True, frozen=True):
    """An event of a source of documents."""

    source: str
    type: str
    time: Number
    num: Number
    data: Any
    version: Number = 1
    """Version of the event type (`DataEventType.version`) whose shape `data` has."""


MetadataLine = StartLine | UserLine | GroupLine | ContainerLine | HostLine
"""A line valid until the next line of the same kind on the same subject."""


class NameLine(msgspec.Struct, frozen=True):
    """A line on a name, and the kind of earlier line on the same subject that makes it unnecessary."""

    item: MetadataLine
    unless: Literal["equal", "same name", "any"] = "equal"


Other = HeadLine | TypeLine | MetadataLine | ValuesLine | DataLine
"""Any line that is an object."""


def form_of(values: tuple[Any, ...]) -> str:
    """Return the letters of parameters. Raises KeyError for a value without a letter."""
    return "".join(map(_letter, values))


def _letter(value: Any) -> str:
    if type(value) is not tuple:
        return LETTERS[type(value)]
    if all(type(item) is tuple and tuple(map(type, item)) == (int, int) for item in value):
        return "l"
    return f"({form_of(value)})"


def types_of(form: str) -> Any:
    """Return the tuple type of parameters of this form. Raises ValueError if the form is malformed."""
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
