"""Steps that free memory when memory is short, in this order: steps that cost time come before steps that cost
knowledge.

    caches          results of pure functions, answers of evaluators and sinks: computed again
    verdict_memory  judged-call cache: equal calls are judged again
    read_ahead      alerts in memory that a spool has on disk: read from there
    enrichers       names and containers, least recently used first: looked up again, while events wait for them
    verdicts        answers that the kernel filter remembers of processes: more events come until it has them again
    look_back       events that captures would begin with: a capture that begins now begins with its alert
    dedup           messages by which repeats are recognised: the next repeat passes as a first one
    processes       idle processes without children: read from /proc when they act again
    held            events that wait for an enricher: evaluated without its data (`incomplete`)

Accepted alerts, and the state of processes that are at work, stay.
"""

from collections.abc import Callable, Iterable, Sequence

from mozu.core import caches
from mozu.core.api import Shrinks
from mozu.core.flow.alert_pipeline import AlertPipeline
from mozu.core.flow.memory_bound import MemoryStep
from mozu.core.flow.source_pump import SourcePump
from mozu.core.isolation.isolated import Isolated
from mozu.core.runtime.engine.built import Assembly


def memory_steps(assembly: Assembly, alerts: AlertPipeline, pumps: Sequence[SourcePump]) -> tuple[MemoryStep, ...]:
    """Return the steps of a run; after a reload they free what is in use then."""

    def of(components: Callable[[], Iterable[Isolated[object]]]) -> int:
        return sum(_of_component(one) for one in components())

    def in_use() -> Iterable[Isolated[object]]:
        return (*assembly.evaluators, *(worker.sink for worker in alerts.workers))

    def pipelines(shrink: Callable[[SourcePump], int]) -> Callable[[], int]:
        return lambda: sum(shrink(pump) for pump in pumps)

    return (
        MemoryStep("caches", lambda: caches.empty() + of(in_use)),
        MemoryStep("verdict_memory", pipelines(lambda pump: pump.pipeline.verdicts.shrink())),
        MemoryStep("read_ahead", lambda: sum(worker.queue.shrink() for worker in alerts.workers)),
        MemoryStep(
            "enrichers",
            lambda: sum(one.lookups.shrink() for one in assembly.key_lookups) + of(lambda: assembly.enrichers),
        ),
        MemoryStep("verdicts", lambda: of(lambda: [pump.pipeline.source for pump in pumps])),
        MemoryStep("look_back", pipelines(lambda pump: pump.pipeline.recorder.shrink())),
        MemoryStep("dedup", alerts.end_dedup),
        MemoryStep("processes", pipelines(lambda pump: pump.pipeline.forget_processes())),
        MemoryStep("held", pipelines(lambda pump: pump.pipeline.release_held())),
    )


def _of_component(isolated: Isolated[object]) -> int:
    component, given = isolated.component, 0
    if isinstance(component, Shrinks):
        with isolated.contained("give memory back"):
            answer: object = component.shrink()
            if not isinstance(answer, int) or answer < 0:
                raise TypeError(f"shrink() must give a number of entries, not {answer!r}")
            given = answer
    return given
