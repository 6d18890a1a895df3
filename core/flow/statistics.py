"""Statistics of a run, from its counters: a summary for people on stderr, all numbers as JSON for programs."""

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mozu.core.api import Counts
from mozu.core.delivery.sink_worker import SinkWorker
from mozu.core.flow.memory_bound import MemoryBound
from mozu.core.flow.source_pump import SourcePump
from mozu.core.metrics import Metrics


def gather(
    metrics: Metrics,
    pumps: Sequence[SourcePump],
    workers: Sequence[SinkWorker],
    memory: MemoryBound,
    started: float,
) -> dict[str, Any]:
    """Return all numbers as plain values. Shape: docs/operate/statistics.md."""
    return {
        "seconds": round(time.monotonic() - started, 3),
        "cpu_seconds": round(time.process_time(), 3),
        "memory": memory.numbers(),
        "sources": {pump.name: _source(pump) for pump in pumps},
        "sinks": {worker.name: _sink(metrics, worker) for worker in workers},
        "metrics": [{"name": name, "labels": labels, "value": value} for name, labels, value in metrics.collect()],
    }


def _source(pump: SourcePump) -> dict[str, Any]:
    pipeline = pump.pipeline
    types = {kind: _counts(count) for kind, count in sorted(pipeline.counts.now().items())}
    return {
        "plugin": pump.plugin,
        "instead_of": dict(pump.refused),
        "not_seen": list(pump.limits()),
        "received": pipeline.received.value,
        "internal": pipeline.internal.value,
        "rejected": pipeline.rejected.value,
        "evaluated": pipeline.evaluated.value,
        "dropped": pipeline.dropped.value,
        "held": pipeline.held,
        "alerts": pipeline.ready_alerts.value,
        "verdict_memory": pipeline.verdicts.numbers(),
        "state": pipeline.state.sizes() if pipeline.state is not None else {},
        "types": types,
    }


def _counts(count: Counts) -> dict[str, int | None]:
    return {
        "seen": count.seen,
        "filtered": count.filtered,
        "lost": count.lost,
        "missed": count.missed,
        "received": count.received,
    }


def _sink(metrics: Metrics, worker: SinkWorker) -> dict[str, Any]:
    mine = {("kind", "sink"), ("id", worker.name)}
    numbers = [(name, labels, value) for name, labels, value in metrics.collect() if mine <= set(labels.items())]
    dropped = {labels["reason"]: int(value) for name, labels, value in numbers if name == "sink_alerts_dropped_total"}
    total = {name: int(value) for name, _, value in numbers if name != "sink_alerts_dropped_total"}
    return {
        "accepted": total["sink_alerts_accepted_total"],
        "delivered": total["sink_alerts_delivered_total"],
        "dropped": {reason: count for reason, count in dropped.items() if count},
        "dead_lettered": total.get("sink_alerts_dead_lettered_total", 0),
        "spooled": total.get("spool_left_records_total", 0),
        "found": total.get("spool_found_records_total", 0),
        "redriven": total.get("spool_redriven_records_total", 0),
        "waiting": total["sink_alerts_waiting"],
        "queued": worker.queue.in_memory(),
        "dead_letters": total.get("spool_dead_letters", 0),
        "failures": total["sink_deliveries_failed_total"],
        "busy_seconds": round(next(v for n, _, v in numbers if n == "sink_busy_seconds"), 3),
    }


def as_text(numbers: Mapping[str, Any], *, all_types: bool = True) -> str:
    """Return a few lines for a terminal. Without `all_types` event types have a line only if events were lost or
    missed, and all together have one."""
    lines = [f"mozu ran {numbers['seconds']:.1f} s and used {numbers['cpu_seconds']:.2f} s of CPU"]
    for name, source in numbers["sources"].items():
        lines += _choice_lines(name, source["plugin"], source["instead_of"], source["not_seen"])
        lines.append(
            f"source {name}: received {source['received']}, evaluated {source['evaluated']}, "
            f"for the state only {source['internal']}, rejected {source['rejected']}"
            f"{_dropped(source['dropped'])}{_unevaluated(source)}"
        )
        types = {kind: count for kind, count in source["types"].items() if any(count.values())}
        if not all_types and types:
            lines.append(_type_line(f"{len(types)} event types", _total(types.values())))
            types = {kind: count for kind, count in types.items() if count["lost"] or count["missed"]}
        lines += [_type_line(kind, count) for kind, count in types.items()]
    for name, sink in numbers["sinks"].items():
        dropped = ", ".join(f"{count} ({reason})" for reason, count in sink["dropped"].items()) or "0"
        busy = f", busy for {sink['busy_seconds']:.1f} s with one delivery" if sink["busy_seconds"] > 1 else ""
        failed = f", failed {sink['failures']} times" if sink["failures"] else ""
        lines.append(
            f"sink {name}: accepted {sink['accepted']}, delivered {sink['delivered']}, dropped {dropped}"
            f"{_spool(sink)}{failed}{busy}"
        )
    return "\n".join(lines)


def _choice_lines(name: str, plugin: str, refused: Mapping[str, str], limits: Sequence[str]) -> list[str]:
    """Return lines that say which plugin is in use if it is not the preferred one, and what it did not see."""
    reasons = "; ".join(f"{other} cannot start ({reason})" for other, reason in refused.items())
    lines = [f"source {name}: {reasons}, so {plugin} watched"] if reasons else []
    return [*lines, f"source {name}: not seen: {', '.join(limits)}"] if limits else lines


def _dropped(events: int) -> str:
    return f", dropped because memory was short {events}" if events else ""


def _unevaluated(source: Mapping[str, Any]) -> str:
    """Return how many events were under way: held for an enricher, or read and not given to evaluators; empty if
    none."""
    left = source["received"] - sum(source[name] for name in ("rejected", "evaluated", "internal", "dropped"))
    return f", not evaluated {left}" if left > 0 else ""


def _spool(sink: Mapping[str, object]) -> str:
    words = {
        "found": "found in the spool", "redriven": "redriven", "spooled": "left in the spool",
        "dead_lettered": "dead letters", "queued": "not delivered",
    }  # fmt: skip
    return "".join(f", {text} {sink[key]}" for key, text in words.items() if sink[key])


def _total(counts: Iterable[Mapping[str, int | None]]) -> dict[str, int | None]:
    """Return the sums of counts by their names; None if one of them is unknown."""
    total: dict[str, int | None] = {}
    for count in counts:
        for name, value in count.items():
            before = total.get(name, 0)
            total[name] = None if before is None or value is None else before + value
    return total


def _type_line(kind: str, count: Mapping[str, int | None]) -> str:
    missed = "unknown" if count["missed"] is None else count["missed"]
    return (
        f"  {kind:16} seen {count['seen']}, filtered {count['filtered']}, lost {count['lost']}, "
        f"missed {missed}, received {count['received']}"
    )
