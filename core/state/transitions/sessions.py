"""Sessions, process groups, and subreapers.

A process keeps the name with which its program was started: PR_SET_NAME does not change it (as in Falco), so a process
cannot rename itself out of a rule.
"""

from typing import Final

from mozu.core.model.event import SyscallEvent
from mozu.core.model.syscalls import flag_table
from mozu.core.state.state import State
from mozu.core.state.tables import Node
from mozu.core.state.transitions.use import result_of

_SUBREAPER: Final = dict(flag_table("prctl_options"))["PR_SET_CHILD_SUBREAPER"]


def _setsid(state: State, event: SyscallEvent) -> None:
    process = event.process
    sid = result_of(event)
    if process is None or sid < 0:
        return
    if state.live:
        # A new session is a new group too; recordings have the group with the next exec, as in Falco.
        state.change_process(event, sid=sid, vpgid=sid, pgid=process.pid, tty=0)
    else:
        state.change(event, sid=sid)


def _setpgid(state: State, event: SyscallEvent) -> None:
    """Set the process group, live only: Falco does not follow it, and the next exec reports the group."""
    process = event.process
    if not state.live or process is None or result_of(event) != 0:
        return
    pid, pgid = event.args[1] or 0, event.args[2] or 0
    target = _by_virtual_pid(state, process.task, pid or process.vpid)
    if target is None:
        return
    version = target.version
    vpgid = pgid or version.vpid
    host = version.pid if vpgid == version.vpid else _host_group(target, vpgid)
    for member in (target, *target.members):
        state.tables.update(member, state.number, vpgid=vpgid, pgid=version.pgid if host is None else host)
    event.process = process.task.newest


def _by_virtual_pid(state: State, task: object, vpid: int) -> Node | None:
    """Return the caller or the child that has this id in the caller's pid namespace; None if there is none."""
    assert isinstance(task, Node)
    main = task.main
    if main.version.vpid == vpid:
        return main
    return next((child for child in main.children if child.newest and child.version.vpid == vpid), None)


def _host_group(target: Node, vpgid: int) -> int | None:
    """Return the group's id on the host, taken from a relative that is in it; None if there is none."""
    parent = target.version.parent
    relatives = [parent, *parent.children] if isinstance(parent, Node) else []
    for relative in relatives:
        if relative.newest is not None and relative.newest.vpid == vpgid:
            return relative.newest.pid
    return None


def _prctl(state: State, event: SyscallEvent) -> None:
    args, process = event.args, event.process
    if process is not None and result_of(event) >= 0 and args[1] == _SUBREAPER:
        assert isinstance(process.task, Node)
        process.task.main.reaper = bool(args[3])


TRANSITIONS: Final = {"setsid": _setsid, "setpgid": _setpgid, "prctl": _prctl}
