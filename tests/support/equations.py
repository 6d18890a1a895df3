"""The equations of docs/operate/statistics.md, declared once: sums that must agree in `/metrics`, `/status` and at a
run's end."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple


class Equation(NamedTuple):
    """An equation whose terms are keys of the statistics; `metrics` has the name of each in `/metrics`, without the
    prefix."""

    of: str
    left: tuple[str, ...]
    right: tuple[str, ...]
    metrics: Mapping[str, str]

    def __str__(self) -> str:
        return " = ".join(" + ".join(f"`{term}`" for term in side) for side in (self.left, self.right))

    def sides(self, numbers: Mapping[str, Any]) -> tuple[int, int]:
        """Return both sums; counts by reason are added up, and what the kernel does not count is left out."""
        left, right = (sum(_number(numbers[term]) for term in side) for side in (self.left, self.right))
        return left, right


SINK: Final = Equation(
    "sinks.NAME",
    ("accepted", "found", "redriven"),
    ("delivered", "dead_lettered", "dropped", "spooled", "waiting"),
    {
        "accepted": "sink_alerts_accepted_total", "found": "spool_found_records_total",
        "redriven": "spool_redriven_records_total", "delivered": "sink_alerts_delivered_total",
        "dead_lettered": "sink_alerts_dead_lettered_total", "dropped": "sink_alerts_dropped_total",
        "spooled": "spool_left_records_total", "waiting": "sink_alerts_waiting",
    },
)  # fmt: skip
SOURCE: Final = Equation(
    "sources.NAME",
    ("received",),
    ("rejected", "evaluated", "internal", "dropped", "held"),
    {
        "received": "events_received_total", "rejected": "events_rejected_total",
        "evaluated": "events_evaluated_total", "internal": "events_internal_total",
        "dropped": "events_dropped_total", "held": "enrichment_buffer_events",
    },
)  # fmt: skip
TYPE: Final = Equation(
    "sources.NAME.types.TYPE",
    ("seen",),
    ("filtered", "lost", "missed", "received"),
    {what: f"type_events_{what}_total" for what in ("seen", "filtered", "lost", "missed", "received")},
)
EQUATIONS: Final = (SINK, SOURCE, TYPE)
"""Check the equation of event types, which holds once the source has stopped; until then `seen` may be greater."""


def broken_in_statistics(numbers: Mapping[str, Any], *, running: bool) -> list[str]:
    """Return sentences on the equations that do not hold in these statistics."""
    found = [
        (f"sink {name}", SINK, one, False) for name, one in numbers["sinks"].items()
    ] + [(f"source {name}", SOURCE, one, False) for name, one in numbers["sources"].items()]
    for name, source in numbers["sources"].items():
        found += [(f"{kind} of source {name}", TYPE, one, running) for kind, one in source["types"].items()]
    return [line for subject, equation, one, may_lag in found for line in _broken(subject, equation, one, may_lag)]


def broken_in_metrics(samples: Mapping[tuple[str, frozenset[tuple[str, str]]], float], *, running: bool) -> list[str]:
    """Return the same as `broken_in_statistics` for samples by name and labels. A missing series breaks its
    equation."""
    lines = []
    for equation, labels in ((SINK, ("id",)), (SOURCE, ("source",)), (TYPE, ("source", "type"))):
        for key in sorted(_subjects(samples, equation, labels)):
            numbers: dict[str, int | None] = {}
            for term, name in equation.metrics.items():
                series = [
                    value for (found, given), value in samples.items()
                    if found == name and tuple(dict(given).get(label) for label in labels) == key
                ]  # fmt: skip
                if not series and term != "missed":
                    lines.append(f"{' '.join(key)}: there is no {name}")
                numbers[term] = int(sum(series))
            lines += _broken(" ".join(key), equation, numbers, running and equation is TYPE)
    return lines


def _subjects(
    samples: Mapping[tuple[str, frozenset[tuple[str, str]]], float], equation: Equation, labels: tuple[str, ...]
) -> set[tuple[str, ...]]:
    first = equation.metrics[equation.left[0]]
    return {tuple(dict(given)[label] for label in labels) for name, given in samples if name == first}


def _broken(subject: str, equation: Equation, numbers: Mapping[str, Any], may_lag: bool) -> Iterator[str]:
    left, right = equation.sides(numbers)
    if left != right and not (may_lag and left > right):
        yield f"{subject}: {equation} is not so: {left} and {right} of {dict(numbers)}"
    for term in (*equation.left, *equation.right):
        if _number(numbers[term]) < 0:
            yield f"{subject}: {term} is {numbers[term]}"


def _number(value: Any) -> int:
    if isinstance(value, Mapping):
        return sum(value.values())
    return int(value or 0)
