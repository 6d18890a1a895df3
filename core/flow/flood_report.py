"""Floods of a source (`ReportsFloods`) become notices `Event flood`: when one begins, and at its end."""

from mozu.core.api import Flood, ReportsFloods
from mozu.core.flow.alert_pipeline import AlertPipeline
from mozu.core.flow.source_pump import SourcePump
from mozu.core.model.alert import Severity
from mozu.core.model.event import Process

RULE = "Event flood"


class FloodReport:
    """The reports of floods of all sources."""

    def __init__(self, alerts: AlertPipeline) -> None:
        self._alerts = alerts

    def report(self, pump: SourcePump) -> None:
        """Emit a notice for each flood that the source has reported since the last call."""
        source, floods = pump.pipeline.source, list[Flood]()
        if isinstance(source.component, ReportsFloods):
            with source.contained("report floods"):
                floods = list(source.component.take_floods())
        for flood in floods:
            self._notice(pump, flood)

    def _notice(self, pump: SourcePump, flood: Flood) -> None:
        state = pump.pipeline.state
        process = None if state is None else state.process(flood.pid)
        name, container = _name(process), _container(process)
        account = {
            "process": f"the process {name or 'unknown'} ({flood.pid})",
            "user": f"the user {flood.uid}",
            "container": f"the container {container or flood.cgroup}",
        }[flood.account]
        said = "flooded" if flood.ended else "floods"
        self._alerts.notice(
            RULE,
            Severity.CRITICAL,
            f"{account} {said} source {pump.name} with {flood.rate:,.0f} events a second (last {flood.type} of "
            f"{name or flood.pid}): {flood.refused} of them were dropped{' until it ended' if flood.ended else ''}",
            evt_source=pump.name,
            account=flood.account,
            proc_name=name,
            proc_pid=flood.pid,
            user_uid=flood.uid,
            container_id=container,
            cgroup=flood.cgroup,
            event_type=flood.type,
            rate=round(flood.rate),
            seconds=round(flood.seconds),
            dropped=flood.refused,
            dropped_reserved=flood.reserved,
            ended=int(flood.ended),
        )


def _name(process: Process | None) -> str:
    return "" if process is None else process.name


def _container(process: Process | None) -> str:
    """Return the process's full container id; empty if it is in none or that is not known."""
    return "" if process is None or process.container is None else process.container.id
