"""The process of an alert, as of its event: facts of the state machine, kept for the moment of the act."""

from mozu.core.api.responders import AlertProcess
from mozu.core.common.owners import ROOT, UNKNOWN
from mozu.core.common.subuids import SubordinateIds
from mozu.core.model.event import Event, SyscallEvent

_NOW = 1 << 62
"""Number above that of any event."""


def subject_of(event: Event | None) -> AlertProcess | None:
    """Return the process, of whichever thread called; None if the event is no system call, or its process is
    unknown."""
    if not isinstance(event, SyscallEvent) or event.process is None:
        return None
    process = event.process.main_at(event.num)
    return AlertProcess(
        pid=process.pid,
        start=process.start,
        uid=process.ruid,
        name=process.name,
        exepath=process.exepath,
        container=process.container,
        cgroups=process.cgroups,
        boot_start=process.boot_start,
        age=max(0, event.boot_time - process.boot_start) if process.boot_start else 0,
    )


def account_of(subject: AlertProcess | None, ids: SubordinateIds) -> str:
    """Return the account whose budget an act spends: the proven container, else the user, who may make any number of
    cgroups and has any number of subordinate ids."""
    if subject is None:
        return "no account"
    container = subject.container
    if container is None:
        return f"user {ids.owner(subject.uid)}"
    if container.proven is not None:
        return f"container {container.proven.id}"
    maker = container.claim.maker if container.claim is not None else UNKNOWN
    return f"user {ids.owner(subject.uid if maker <= ROOT else maker)}"


def is_there(event: Event | None) -> bool:
    """Return True if the state machine still has the process of an event, as far as it has processed events."""
    if not isinstance(event, SyscallEvent) or event.process is None:
        return False
    process = event.process.main_at(event.num)
    newest = process.task.newest
    found = process if process.task.tasks is None else process.find(process.tid, _NOW)
    return newest is not None and not newest.exited and found is not None and found.task is process.task
