"""The responses of a run: built for an assembly, and updated by a reload."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from typing import Final

from mozu.core.api import ActsUnattended, DeniesInKernel, KernelKills, KillsInKernel
from mozu.core.common.owners import ROOT
from mozu.core.common.thread_pool import ThreadPool
from mozu.core.common.ticks import tick
from mozu.core.errors import MozuError
from mozu.core.flow.alert_pipeline import AlertPipeline
from mozu.core.flow.source_pump import SourcePump
from mozu.core.metrics import Metrics
from mozu.core.model.containers import ContainerMetadata
from mozu.core.model.event import Event, SyscallEvent
from mozu.core.respond.chosen import ActiveResponder
from mozu.core.respond.responses import Responses
from mozu.core.runtime.engine.built import Assembly
from mozu.core.runtime.engine.kernel_kills import kernel_kills

_LOOK_SECONDS: Final = 60.0
"""Seconds that a look at the files that rules name may take."""


def responses_of(
    assembly: Assembly,
    alerts: AlertPipeline,
    spawn: Callable[[Awaitable[None], str], None],
    metrics: Metrics,
) -> Responses:
    """Return the responses of an assembly. Raises MozuError."""

    def names(event: Event) -> tuple[Sequence[str] | None, str | None]:
        if _is_of_user(assembly, event):
            return (), ""
        fields = assembly.fields
        found = [_read(assembly, event, field) for field in _NAMES if field in fields]
        known = None if all(one is None for one in found) else [one for one in found if one is not None]
        return known, _read(assembly, event, _NAMESPACE) if _NAMESPACE in fields else None

    made = Responses(assembly.state_dir, notify=alerts.notice, spawn=spawn, names=names, metrics=metrics)
    use_responders(made, assembly, kernel_kills(assembly))
    return made


def use_kills(pumps: Iterable[SourcePump], kills: KernelKills) -> None:
    """Pass the rules for the kernel to the sources that kill there."""
    for pump in pumps:
        source = pump.pipeline.source
        with source.contained("kill in the kernel"):
            give_kills(source.component, kills)


def give_kills(component: object, kills: KernelKills) -> None:
    """Pass the rules for the kernel to one source, if it kills there."""
    if isinstance(component, KillsInKernel):
        component.use_kills(kills)


def report_denials(responses: Responses, pumps: Iterable[SourcePump]) -> None:
    """Report what these sources have denied in the kernel since the last call, and what acted while mozu did not
    run."""
    for pump in pumps:
        source = pump.pipeline.source
        with source.contained("take denials"):
            if isinstance(source.component, DeniesInKernel):
                responses.report_denials(source.component.take_denials())
            if isinstance(source.component, ActsUnattended):
                responses.report_unattended(source.component.take_unattended())


class NamedFilesLook:
    """The check if files that rules name have been replaced, on a thread: a file system may not answer."""

    def __init__(self, assembly: Assembly, responses: Responses) -> None:
        self._assembly, self._responses = assembly, responses
        self._thread = ThreadPool("named files", 1)

    async def run(self) -> None:
        """Check every second, and have the sources find the files by their inode numbers."""
        while True:
            await tick(1.0)
            files = self._assembly.named_files
            with suppress(TimeoutError, BlockingIOError):
                found = await self._thread.run(files.look, _LOOK_SECONDS)
                if files is self._assembly.named_files:
                    self._responses.use_named_files(found)


def _is_of_user(assembly: Assembly, event: Event) -> bool:
    """Return True if the event's container is not known to be root's: it is not proven, or no runtime of root made
    it."""
    process = event.process if isinstance(event, SyscallEvent) else None
    if process is None or process.container is None:
        return False
    found = assembly.fields.lookups.container(process.container.key)
    if isinstance(found, ContainerMetadata):
        return found.owner != ROOT
    return process.container.proven is None


_NAMES = ("container.name", "container.image.repository", "container.image")
_NAMESPACE = "k8s.ns.name"


def _read(assembly: Assembly, event: Event, field: str) -> str | None:
    value = assembly.fields.resolve(field).read(event)
    return value if isinstance(value, str) and value else None


def use_responders(responses: Responses, assembly: Assembly, kills: KernelKills) -> None:
    """Use the responders of this assembly from the next alert on. `kills` says what sources do for them. Raises
    MozuError."""
    active = [ActiveResponder(one.isolated, one.settings) for one in assembly.responders]
    try:
        responses.use(active, assembly.respond, kills, assembly.protection)
    except OSError as error:
        text = f"the audit log of responses cannot be opened: {error}; make `state_dir` a directory of mozu's own"
        raise MozuError(text) from error
