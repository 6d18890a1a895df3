"""The evaluator `metronome`: an alert for every tick."""

from collections.abc import Sequence

from mozu.core.api import Alert, Context, Demand, EvaluatorDeclaration, Event, Interest, Settings, Severity, hookimpl
from mozu.core.model.alert import Ref, Template

_TEMPLATE = Template(("Tick number ", Ref("tick.number", "uint")))


class Metronome:
    """An evaluator that judges events of the source class `ticker` and no others."""

    def __init__(self, settings: Settings, context: Context) -> None:
        pass

    def demand(self) -> Demand:
        """Demand every tick."""
        return Demand({"ticker": {"tick": Interest()}})

    def evaluate(self, batch: Sequence[Event]) -> Sequence[Alert]:
        """Return an alert for each tick."""
        return [self._alert(event) for event in batch if event.source == "ticker"]

    def reload(self) -> "Metronome":
        """Return the evaluator itself, since nothing is to be loaded."""
        return self

    def _alert(self, event: Event) -> Alert:
        return Alert(
            rule="Tick",
            priority=Severity.NOTICE,
            source=event.source,
            time=event.time,
            template=_TEMPLATE,
            values={"tick.number": getattr(event, "data", {}).get("number")},
            event_type=event.type,
            event_num=event.num,
        )


@hookimpl
def mozu_components() -> EvaluatorDeclaration[Settings]:
    """Declare the evaluator."""
    return EvaluatorDeclaration(
        name="metronome", build=Metronome, settings=Settings, summary="An alert for every tick."
    )
