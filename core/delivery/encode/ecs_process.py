"""`process` of the Elastic Common Schema: the process, its parent and its leaders."""

from typing import Final

from mozu.core.caches import cached
from mozu.core.delivery.encode.clock import iso
from mozu.core.delivery.encode.document import filled
from mozu.core.delivery.encode.known import Entity, Known, name_of
from mozu.core.model.value_types import JsonObject

_MOST_ARGS: Final = 512
"""Most arguments in `process.args`; further ones are in `process.command_line` alone, and `process.args_count` counts
them."""


def process(known: Known, user: JsonObject) -> JsonObject:
    """Return the field set; empty if the alert is about no process."""
    own = known.text("proc.entity_id")
    terminal = known.terminal()
    args = known.args()
    made = filled(
        entity_id=own,
        pid=known.number("proc.pid"),
        vpid=known.number("proc.vpid"),
        thread=filled(id=known.number("thread.tid")),
        name=known.text("proc.name"),
        executable=known.text("proc.exepath"),
        command_line=known.text("proc.cmdline"),
        args=args[:_MOST_ARGS],
        args_count=len(args) or None,
        working_directory=known.text("proc.cwd"),
        hash=filled(sha256=known.text("proc.exe_hash")),
        start=_time(known.number("proc.pid.ts")),
        interactive=None if known.number("proc.tty") is None else terminal is not None,
        tty={"char_device": {"major": terminal[0], "minor": terminal[1]}} if terminal else None,
        parent=_parent(known),
        session_leader=_leader(known.entity("proc.sid.leader"), own),
        group_leader=_leader(known.entity("proc.pgid.leader"), own),
        entry_leader=_entry_leader(known, own),
    )
    return {**made, "user": user} if made and user else made


def ancestry(known: Known) -> dict[str, str]:
    """Return labels with the ancestors, the parent first, for which the schema has no fields: lists of equal length,
    joined by commas. A path with a comma becomes an empty item."""
    return _ancestry(tuple(known.ancestors()))


@cached(1024)
def _ancestry(found: tuple[Entity, ...]) -> dict[str, str]:
    """Return the labels, cached: siblings have the same ancestors, and alerts come in bursts of them."""
    if not found:
        return {}
    return {
        "ancestor_ids": ",".join(one.id or "" for one in found),
        "ancestor_pids": ",".join(str(one.pid) for one in found),
        "ancestor_executables": ",".join("" if one.path is None or "," in one.path else one.path for one in found),
        "ancestor_starts": ",".join(_time(one.start) or "" for one in found),
    }


def _parent(known: Known) -> JsonObject:
    return filled(
        entity_id=known.text("proc.pentity_id"),
        pid=known.number("proc.ppid"),
        name=known.text("proc.pname"),
        executable=known.text("proc.pexepath"),
        command_line=known.text("proc.pcmdline"),
        start=_time(known.number("proc.ppid.ts")),
    )


@cached(4096)
def _leader(leader: Entity | None, own: str | None) -> JsonObject:
    if leader is None:
        return {}
    return filled(
        entity_id=leader.id,
        pid=leader.pid,
        name=None if leader.path is None else name_of(leader.path),
        executable=leader.path,
        start=_time(leader.start),
        same_as_process=None if own is None or leader.id is None else leader.id == own,
    )


def _entry_leader(known: Known, own: str | None) -> JsonObject:
    """Return the entry leader with the account that logged in, which the audit subsystem keeps across changes of
    user."""
    leader = _leader(known.entity("proc.entry.leader"), own)
    if not leader:
        return {}
    address = known.login_address()
    meta = filled(type=known.text("proc.entry.type"), source=filled(ip=address))
    return filled(**leader, entry_meta=meta, user=filled(id=known.login_id(), name=known.login_name()))


@cached(4096)
def _time(start: int | None) -> str | None:
    return iso(start, "Z") if start else None
