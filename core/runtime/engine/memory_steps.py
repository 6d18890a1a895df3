"""What gives memory back when it is short, in this order: what only costs time comes before what costs knowledge.

    caches          results of pure functions, answers of evaluators and sinks: worked out again
    verdict_memory  verdicts on calls that came before: judged again
    read_ahead      alerts in memory that a spool has on disk: read from there
    enrichers       names and containers, what was used for longest first: looked up again, while events wait for it
    verdicts        what the kernel filter knows of processes: more events come until it knows it again
    look_back       what captures would begin with: one that begins now begins with its alert
    dedup           messages that repeats are recognised by: the next repeat passes as a first one
    processes       idle processes without children: read from /proc when they do something again
    held            events that wait for an enricher: evaluated without what it knows (`incomplete`)

Alerts that were accepted, and what the state knows of processes that are at work, stay.
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
    """Of a run; after a reload they give back what is in use then."""

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
