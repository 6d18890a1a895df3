"""The fields `user.*` and `group.*`: the identities with whose rights a process acts.

Numbers come from the event's process. Names come from an enricher, which replaces these readers; without one only the
superuser has a name.
"""

from typing import Final

from mozu.core.model.event import Process
from mozu.core.model.fields.dependency import Dependency
from mozu.core.model.fields.field import Field, FieldType
from mozu.core.model.fields.proc.read import own

_IDS: Final = frozenset({"tree", "ids"})
_NAMES: Final = frozenset({"tree", "ids", "enricher:users"})
_IDENTITY: Final = frozenset({Dependency.IDENTITY})
_UNKNOWN: Final = "<NA>"
"""Text of these fields for a number without a name."""


def _name(number: int) -> str:
    return "root" if number == 0 else _UNKNOWN


def _home(process: Process) -> str:
    return "/root" if process.uid == 0 else _UNKNOWN


FIELDS: Final[tuple[Field, ...]] = (
    Field(
        name="user.uid",
        type=FieldType.UINT,
        bits=32,
        read=own(lambda p: p.uid & 0xFFFFFFFF),
        needs=_IDS,
        depends=_IDENTITY,
        doc="Number of the user whose rights count (effective).",
    ),
    Field(
        name="user.name",
        type=FieldType.STRING,
        read=own(lambda p: _name(p.uid)),
        needs=_NAMES,
        doc="Name of that user, in the container's own files if it is in one; `<NA>` as a text where it has none.",
    ),
    Field(name="user.homedir", type=FieldType.STRING, read=own(_home), needs=_NAMES, doc="That user's home directory."),
    Field(
        name="user.shell",
        type=FieldType.STRING,
        read=own(lambda _: _UNKNOWN),
        needs=_NAMES,
        doc="That user's login shell.",
    ),
    Field(
        name="user.loginuid",
        type=FieldType.INT,
        read=own(lambda p: p.loginuid),
        needs=frozenset({"tree"}),
        depends=frozenset({Dependency.IMAGE, Dependency.PROCESS}),
        doc="Number of the user who logged in, whatever changed since; -1: none.",
    ),
    Field(
        name="user.loginname",
        type=FieldType.STRING,
        read=own(lambda p: _name(p.loginuid)),
        needs=frozenset({"tree", "enricher:users"}),
        doc="Name of the user who logged in.",
    ),
    Field(
        name="group.gid",
        type=FieldType.UINT,
        bits=32,
        read=own(lambda p: p.gid & 0xFFFFFFFF),
        needs=_IDS,
        depends=_IDENTITY,
        doc="Number of the group whose rights count (effective).",
    ),
    Field(
        name="group.name",
        type=FieldType.STRING,
        read=own(lambda p: _name(p.gid)),
        needs=_NAMES,
        doc="Name of that group; `<NA>` as a text where it has none.",
    ),
)
