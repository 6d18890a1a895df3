"""The process of an alert, as of its event: what the state machine knows of it, kept for the moment of the act."""

from mozu.core.api.responders import AlertProcess
from mozu.core.model.event import Event, Process, SyscallEvent


def subject_of(event: Event | None) -> AlertProcess | None:
    """None where the event is no system call, or its process unknown. The process, whichever of its threads called."""
    if not isinstance(event, SyscallEvent) or event.process is None:
        return None
    process = event.process.main_at(event.num)
    return AlertProcess(
        pid=process.pid,
        start=process.start,
        stacks=_stacks(process, event.process),
        uid=process.ruid,
        name=process.name,
        exepath=process.exepath,
        container=process.container,
        cgroups=process.cgroups,
        event_time=event.time,
    )


def _stacks(*versions: Process) -> tuple[int, ...]:
    """As of the event, and as of the last exec that the state has seen."""
    seen = [one.stack for version in versions for one in (version, version.task.newest) if one is not None]
    return tuple(dict.fromkeys(stack for stack in seen if stack))
