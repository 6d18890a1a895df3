"""Processes and actors of OCSF."""

from typing import Final

from mozu.core.caches import cached
from mozu.core.delivery.encode.document import filled
from mozu.core.delivery.encode.known import Entity, Known, name_of
from mozu.core.model.value_types import JsonObject

_REGULAR: Final = 1
_SHA256: Final = 3
"""The value of `algorithm_id` for SHA-256."""
_PTS: Final = range(136, 144)
"""Major numbers of pseudo terminals (Documentation/admin-guide/devices.txt)."""
_MINORS: Final = 256


def process(known: Known) -> JsonObject:
    """Return the process; empty if the alert is about none."""
    pid = known.number("proc.pid")
    if pid is None:
        return {}
    return filled(
        uid=known.text("proc.entity_id"),
        pid=pid,
        tid=known.number("thread.tid"),
        name=known.text("proc.name"),
        cmd_line=known.text("proc.cmdline"),
        working_directory=known.text("proc.cwd"),
        created_time=_millis(known.number("proc.pid.ts")),
        file=_program(known.text("proc.exepath"), known.text("proc.exe_hash")),
        user=_user(known),
        parent_process=_parent(known),
        ancestry=[_entity(one) for one in known.ancestors()],
        session=_session(known),
        namespace_pid=known.number("proc.vpid") if known.container() else None,
    )


def actor(known: Known, acting: JsonObject) -> JsonObject:
    """Return the actor: the process in short (the evidence has the rest), its user, and the entry leader's session."""
    short: JsonObject = {key: acting[key] for key in ("uid", "pid", "name", "file") if key in acting}
    return filled(process=short, user=acting.get("user"), session=_entry(known) if acting else None)


def login(known: Known) -> JsonObject:
    """Return the account that logged in, which the audit subsystem keeps across changes of user."""
    return filled(uid=known.login_id(), name=known.login_name())


def _program(path: str | None, sha256: str | None = None) -> JsonObject:
    if path is None:
        return {}
    hashes: list[JsonObject] = [{"algorithm_id": _SHA256, "algorithm": "SHA-256", "value": sha256}] if sha256 else []
    return filled(name=name_of(path), path=path, type_id=_REGULAR, hashes=hashes)


def _parent(known: Known) -> JsonObject:
    pid = known.number("proc.ppid")
    if pid is None:
        return {}
    return filled(
        uid=known.text("proc.pentity_id"),
        pid=pid,
        name=known.text("proc.pname"),
        cmd_line=known.text("proc.pcmdline"),
        created_time=_millis(known.number("proc.ppid.ts")),
        file=_program(known.text("proc.pexepath")),
    )


@cached(4096)
def _entity(found: Entity) -> JsonObject:
    name = None if found.path is None else name_of(found.path)
    return filled(uid=found.id, pid=found.pid, name=name, path=found.path, created_time=_millis(found.start))


def _session(known: Known) -> JsonObject:
    """Return the kernel's session: its leader and its terminal."""
    leader, terminal = known.entity("proc.sid.leader"), known.terminal()
    if leader is None:
        return {}
    return filled(uid=leader.id, created_time=_millis(leader.start), terminal=_terminal(terminal))


def _entry(known: Known) -> JsonObject:
    """Return the login, container or service that the process belongs to."""
    leader, kind = known.entity("proc.entry.leader"), known.text("proc.entry.type")
    if leader is None:
        return {}
    return filled(
        uid=leader.id,
        created_time=_millis(leader.start),
        issuer=kind,
        is_remote=kind == "sshd" if kind else None,
        terminal=_terminal(known.terminal()),
    )


def _terminal(device: tuple[int, int] | None) -> str | None:
    if device is None:
        return None
    major, minor = device
    return f"pts/{(major - _PTS.start) * _MINORS + minor}" if major in _PTS else f"{major}:{minor}"


def _user(known: Known) -> JsonObject:
    group = filled(uid=known.text("group.gid"), name=known.text("group.name"))
    user = filled(uid=known.text("user.uid"), name=known.text("user.name"))
    return {**user, "groups": [group]} if user and group else user


def _millis(start: int | None) -> int | None:
    return start // 1_000_000 if start else None
