"""The fields `proc.sid*`, `proc.pgid*`, `proc.vpgid*`: sessions, process groups and their leaders."""

from collections.abc import Callable
from typing import Final

from mozu.core.model.event import Process
from mozu.core.model.fields.dependency import EVERYTHING, Dependency
from mozu.core.model.fields.field import Field, FieldType, Reader
from mozu.core.model.fields.proc.read import group_leader, of_leader, own

_NEEDS: Final = frozenset({"tree", "session"})


def _field(
    name: str, kind: FieldType, doc: str, read: Reader, depends: frozenset[Dependency] = EVERYTHING
) -> Field:
    return Field(name=name, type=kind, doc=doc, read=read, needs=_NEEDS, depends=depends)


def _own(name: str, kind: FieldType, doc: str, read: Reader) -> Field:
    """Return a field that does not depend on a leader."""
    return _field(name, kind, doc, read, frozenset({Dependency.SESSION, Dependency.PROCESS}))


def _led(first: str, what: str, get: Callable[[Process], int], *, virtual: bool, name: str) -> tuple[Field, ...]:
    leader = group_leader(get, virtual=virtual)
    return (
        _field(name, FieldType.STRING, f"proc.name of the leader of the {what}.", of_leader(leader, lambda p: p.name)),
        _field(
            f"{first}.exe",
            FieldType.STRING,
            f"proc.exe of the leader of the {what}.",
            of_leader(leader, lambda p: p.exe),
        ),
        _field(
            f"{first}.exepath",
            FieldType.STRING,
            f"proc.exepath of the leader of the {what}.",
            of_leader(leader, lambda p: p.exepath),
        ),
    )


SESSIONS: Final[tuple[Field, ...]] = (
    _own(
        "proc.sid", FieldType.INT, "Id of the session, as the process's own pid namespace counts.", own(lambda p: p.sid)
    ),
    *_led("proc.sid", "session", lambda p: p.sid, virtual=True, name="proc.sname"),
    _own(
        "proc.vpgid",
        FieldType.INT,
        "Id of the process group, as the process's own pid namespace counts.",
        own(lambda p: p.vpgid),
    ),
    *_led("proc.vpgid", "process group", lambda p: p.vpgid, virtual=True, name="proc.vpgid.name"),
    _own("proc.pgid", FieldType.INT, "Id of the process group, as the host counts.", own(lambda p: p.pgid)),
    *_led("proc.pgid", "process group", lambda p: p.pgid, virtual=False, name="proc.pgid.name"),
    _own(
        "proc.is_sid_leader", FieldType.BOOL, "Whether the process leads its session.", own(lambda p: p.sid == p.vpid)
    ),
    _own(
        "proc.is_vpgid_leader",
        FieldType.BOOL,
        "Whether the process leads its group, in its own pid namespace.",
        own(lambda p: p.vpgid == p.vpid),
    ),
    _own(
        "proc.is_pgid_leader",
        FieldType.BOOL,
        "Whether the process leads its group, on the host.",
        own(lambda p: p.pgid == p.pid),
    ),
)
