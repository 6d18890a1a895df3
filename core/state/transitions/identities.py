"""The identities of a thread: user and group ids, capabilities.

The rules for the real and the saved id are those of setuid(2), setreuid(2), setresuid(2) and their siblings for groups.
Identities belong to the thread; the C library changes all threads of a process by one call each.
"""

from collections.abc import Callable
from typing import Final

from mozu.core.model.event import Process, SyscallEvent
from mozu.core.model.event.namespaces import NAMESPACES
from mozu.core.model.syscalls import flag_table
from mozu.core.state.observed import Identity
from mozu.core.state.state import INVALID_ID, State
from mozu.core.state.transitions.use import has_flag, result_of

_CLONE_FLAGS: Final = dict(flag_table("clone_flags"))
_NEW_USER: Final = _CLONE_FLAGS["CLONE_NEWUSER"]
_UNSHARED: Final = {
    name: _CLONE_FLAGS[flag]
    for name, flag in (
        ("ipc", "CLONE_NEWIPC"), ("mnt", "CLONE_NEWNS"), ("net", "CLONE_NEWNET"), ("user", "CLONE_NEWUSER"),
    )
}  # fmt: skip
"""Namespace → flag that gives it to the caller itself. A new pid namespace is for the caller's children alone
(unshare(2))."""
_ALL_CAPABILITIES: Final = (1 << 41) - 1
_UNCHANGED: Final = (None, -1, INVALID_ID)

Ids = tuple[int, int, int]
"""Real, effective and saved id."""


def _set(old: Ids, args: tuple[int | None, ...], *, privileged: bool) -> Ids:
    new = args[0]
    if new in _UNCHANGED or new is None:
        return old
    return (new, new, new) if privileged else (old[0], new, old[2])


def _set_re(old: Ids, args: tuple[int | None, ...], *, privileged: bool) -> Ids:
    real, effective = _kept(args[0], old[0]), _kept(args[1], old[1])
    saved = effective if args[0] not in _UNCHANGED or (args[1] not in _UNCHANGED and effective != old[0]) else old[2]
    return real, effective, saved


def _set_res(old: Ids, args: tuple[int | None, ...], *, privileged: bool) -> Ids:
    return _kept(args[0], old[0]), _kept(args[1], old[1]), _kept(args[2], old[2])


def _kept(new: int | None, old: int) -> int:
    return old if new in _UNCHANGED or new is None else new


def _users(rule: Callable[..., Ids]) -> Callable[[State, SyscallEvent], None]:
    def change(state: State, event: SyscallEvent) -> None:
        process = event.process
        if process is None or _reported_by_kernel(state, event, process) or result_of(event) != 0:
            return
        old = process.ruid, process.uid, process.suid
        ruid, uid, suid = rule(old, event.args[1:], privileged=_is_root(process))
        if (ruid, uid, suid) != old:
            state.change(event, ruid=ruid, uid=uid, suid=suid)

    return change


def _groups(rule: Callable[..., Ids]) -> Callable[[State, SyscallEvent], None]:
    def change(state: State, event: SyscallEvent) -> None:
        process = event.process
        if process is None or _reported_by_kernel(state, event, process) or result_of(event) != 0:
            return
        old = process.rgid, process.gid, process.sgid
        rgid, gid, sgid = rule(old, event.args[1:], privileged=_is_root(process))
        if (rgid, gid, sgid) != old:
            state.change(event, rgid=rgid, gid=gid, sgid=sgid)

    return change


def _reported_by_kernel(state: State, event: SyscallEvent, process: Process) -> bool:
    """Use the kernel's report of the resulting ids; return False if there is none."""
    observed = event.observed
    if observed.__class__ is not Identity:
        return False
    reported = {name: getattr(observed, name) for name in Identity.__struct_fields__}
    if any(getattr(process, name) != value for name, value in reported.items()):
        state.change(event, **reported)
    return True


def _file_system(state: State, event: SyscallEvent) -> None:
    """Use the kernel's report of setfsuid or setfsgid: their ids are not kept, but capabilities may change with
    them."""
    if event.process is not None:
        _reported_by_kernel(state, event, event.process)


def _is_root(process: Process) -> bool:
    return process.uid == 0


def _capset(state: State, event: SyscallEvent) -> None:
    args = event.args
    if result_of(event) >= 0:
        state.change(event, cap_inheritable=args[1] or 0, cap_permitted=args[2] or 0, cap_effective=args[3] or 0)


def new_user_namespace(state: State, event: SyscallEvent, flags: int | None) -> None:
    """Give every capability to a task that enters a user namespace of its own. Programs inherit none of them; in
    recordings, read as Falco reads them, they inherit all."""
    if result_of(event) >= 0 and has_flag(flags, _NEW_USER):
        whole = _ALL_CAPABILITIES
        state.change(
            event, cap_inheritable=0 if state.live else whole, cap_permitted=whole, cap_effective=whole
        )  # fmt: skip


def _unshare(state: State, event: SyscallEvent) -> None:
    flags = event.args[1]
    new_user_namespace(state, event, flags)
    if state.live and result_of(event) == 0 and event.process is not None:
        added = sum(NAMESPACES[name] for name, flag in _UNSHARED.items() if has_flag(flags, flag))
        state.change(event, namespaces=event.process.namespaces | added)


TRANSITIONS: Final = {
    "setuid": _users(_set),
    "setreuid": _users(_set_re),
    "setresuid": _users(_set_res),
    "setgid": _groups(_set),
    "setregid": _groups(_set_re),
    "setresgid": _groups(_set_res),
    "setfsuid": _file_system,
    "setfsgid": _file_system,
    "capset": _capset,
    "unshare": _unshare,
}
