"""Loss is never silent: the sources' own accounting, turned into notices and statistics."""

from collections.abc import Callable, Mapping

from mozu.core.api.hookspecs import Counts
from mozu.core.flow.pipeline import Pipeline
from mozu.core.flow.source_pump import Intake
from mozu.core.model.alert import Severity
from mozu.core.model.syscalls import event_type
from mozu.core.state import OF_PROCESSES

_NAMED = 5


class LossAccounting:
    """Compares the counts of the sources with those of the last look."""

    def __init__(
        self, pipeline: Pipeline, intakes: list[Intake], concerning_processes: Callable[[Intake], None]
    ) -> None:
        self._pipeline, self._intakes = pipeline, intakes
        self._concerning_processes = concerning_processes
        self._told: dict[str, dict[str, int]] = {}
        self._gaps: dict[str, int] = {}

    def look(self) -> None:
        """Tell what has been lost since the last call: in the kernel, and in front of the sinks."""
        for intake in self._intakes:
            with intake.stage.contained("count"):
                self._source(intake, intake.stage.component.counts())
                self._tell_gaps(intake)
        for outlet in self._pipeline.outlets:
            for gap in outlet.buffer.take_dropped():
                self._pipeline.notice(
                    "Alerts dropped",
                    Severity.CRITICAL,
                    f"sink {outlet.name} dropped alerts {gap.first} to {gap.last}: {gap.reason}",
                    sink=outlet.name,
                    first=gap.first,
                    last=gap.last,
                )

    def _tell_gaps(self, intake: Intake) -> None:
        """Breaks in a source's time that it knows of (optional method `take_gaps`): a step of the clock, a restart."""
        take = getattr(intake.stage.component, "take_gaps", None)
        for text in () if take is None else take():
            self._pipeline.notice(
                "Gap", Severity.WARNING, f"source {intake.name}: {text}", evt_source=intake.name
            )

    def _source(self, intake: Intake, counts: Mapping[str, Counts]) -> None:
        name = intake.name
        told = self._told.setdefault(name, {})
        fresh = {}
        for kind, count in counts.items():
            gone = count.lost + (count.missed or 0)
            if gone > told.get(kind, 0):
                fresh[kind] = gone - told.get(kind, 0)
                told[kind] = gone
        if not fresh:
            return
        if any(kind in OF_PROCESSES or event_type(kind) is None for kind in fresh):
            self._concerning_processes(intake)  # no event type: an entry path, where any call may be lost
        worst = sorted(fresh.items(), key=lambda pair: -pair[1])
        shown = ", ".join(f"{kind} {number}" for kind, number in worst[:_NAMED])
        more = f" and {len(worst) - _NAMED} more types" if len(worst) > _NAMED else ""
        self._pipeline.notice(
            "Events lost",
            Severity.CRITICAL,
            f"source {name} lost {sum(fresh.values())} events: {shown}{more}",
            evt_source=name,
            lost=sum(fresh.values()),
            lost_total=sum(told.values()),
        )
