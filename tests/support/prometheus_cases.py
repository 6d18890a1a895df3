"""Cases of each shipped rule of Prometheus: series with which it must fire, and similar ones with which it must not.

A recording rule fires if its value is not 0; a value of 0 must be present, not missing. Series are those that a run of
mozu exports.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

MINUTES: Final = 20
_SOURCE: Final = 'source="syscalls"'
_SINK: Final = 'kind="sink",id="siem"'


class RuleCase(NamedTuple):
    """The series of a rule with their values a minute, in promtool's notation; `quiet` replaces some of them."""

    rule: str
    series: Mapping[str, str]
    quiet: Mapping[str, str]

    @property
    def is_recorded(self) -> bool:
        """Return True for a recording rule."""
        return ":" in self.rule

    def inputs(self, *, fires: bool) -> list[dict[str, str]]:
        """Return the series of the case in the form of promtool's `input_series`."""
        series = self.series if fires else {**self.series, **self.quiet}
        return [{"series": _named(name), "values": values} for name, values in series.items()]


def _named(series: str) -> str:
    name, _, labels = series.partition("{")
    inside = ",".join(filter(None, ('job="mozu",instance="a"', labels.rstrip("}"))))
    return f"{name}{{{inside}}}"


def _events(kind: str) -> str:
    return f'mozu_type_events_{kind}_total{{{_SOURCE},type="openat"}}'


def _of(metric: str, labels: str = "") -> str:
    return f"mozu_{metric}{{{labels}}}"


_NEVER_DROPPED: Final = {
    _of("sink_alerts_accepted_total", _SINK): "5x20", _of("spool_found_records_total", _SINK): "0x20",
    _of("spool_redriven_records_total", _SINK): "0x20", _of("sink_alerts_dead_lettered_total", _SINK): "0x20",
    _of("sink_alerts_dropped_total", f'{_SINK},reason="queue full"'): "0x20",
    _of("spool_left_records_total", _SINK): "0x20",
    _of("sink_alerts_delivered_total", _SINK): "2x20", _of("sink_alerts_waiting", _SINK): "3x20",
}  # fmt: skip
"""Series of a sink that has three alerts and delivers none; nothing was ever dropped."""

CASES: Final = (
    RuleCase(
        "mozu:events_in_flight",
        {_events("seen"): "9x20", _events("filtered"): "2x20", _events("lost"): "1x20", _events("received"): "3x20"},
        {_events("received"): "6x20"},
    ),
    RuleCase(
        "mozu:events_unaccounted",
        {
            _of("events_received_total", _SOURCE): "9x20", _of("events_rejected_total", _SOURCE): "0x20",
            _of("events_evaluated_total", _SOURCE): "5x20", _of("events_internal_total", _SOURCE): "1x20",
            _of("events_dropped_total", _SOURCE): "0x20", _of("enrichment_buffer_events", _SOURCE): "2x20",
        },
        {_of("events_rejected_total", _SOURCE): "1x20"},
    ),
    RuleCase(
        "mozu:sink_alerts_unaccounted",
        {**_NEVER_DROPPED, _of("sink_alerts_waiting", _SINK): "4x20"},
        {_of("sink_alerts_waiting", _SINK): "3x20"},
    ),
    RuleCase("MozuDown", {"up{}": "0x20"}, {"up{}": "1x20"}),
    RuleCase("MozuSourceNotAttached", {_of("source_attached", f'{_SOURCE},plugin="ebpf"'): "0x20"},
             {_of("source_attached", f'{_SOURCE},plugin="ebpf"'): "1x20"}),
    RuleCase("MozuSourceFallback", {_of("source_fallback", f'{_SOURCE},plugin="ptrace"'): "1x20"},
             {_of("source_fallback", f'{_SOURCE},plugin="ptrace"'): "0x20"}),
    RuleCase("MozuEventsLost", {_events("lost"): "0+7x20", _of("events_dropped_total", _SOURCE): "0x20"},
             {_events("lost"): "7x20"}),
    RuleCase("MozuEventsLost", {_events("missed"): "0+7x20", _of("events_dropped_total", _SOURCE): "0x20"},
             {_events("missed"): "7x20"}),
    RuleCase("MozuEventsLost", {_of("events_dropped_total", 'source="falco_http"'): "0+7x20"},
             {_of("events_dropped_total", 'source="falco_http"'): "7x20"}),
    RuleCase("MozuLacksCpu", {_of("cpu_wait_seconds_total"): "0+45x20"}, {_of("cpu_wait_seconds_total"): "0+15x20"}),
    RuleCase(
        "MozuEventsUnaccounted",
        {**_NEVER_DROPPED, _of("sink_alerts_waiting", _SINK): "4x20"},
        {_of("sink_alerts_waiting", _SINK): "3x20"},
    ),
    RuleCase("MozuAlertsDropped", {_of("sink_alerts_dropped_total", f'{_SINK},reason="queue full"'): "0x10 0+1x10"},
             {_of("sink_alerts_dropped_total", f'{_SINK},reason="queue full"'): "4x20"}),
    RuleCase("MozuDeadLetters", {_of("sink_alerts_dead_lettered_total", _SINK): "0x10 1x10"},
             {_of("sink_alerts_dead_lettered_total", _SINK): "1x20"}),
    RuleCase("MozuSinkBehind", _NEVER_DROPPED, {_of("sink_alerts_delivered_total", _SINK): "0+1x20"}),
    RuleCase("MozuSinkBehind", _NEVER_DROPPED, {_of("sink_alerts_waiting", _SINK): "3x15 0x5"}),
    RuleCase("MozuSpoolOld", {_of("spool_oldest_seconds", _SINK): "901x20"},
             {_of("spool_oldest_seconds", _SINK): "899x20"}),
    RuleCase("MozuComponentFailures", {_of("component_failures_total", _SINK): "0+1x20"},
             {_of("component_failures_total", _SINK): "0x10 0+1x5"}),
    RuleCase("MozuReloadRefused", {_of("reloads_refused_total"): "0x10 1x10"}, {_of("reloads_refused_total"): "1x20"}),
    RuleCase("MozuMemoryShort",
             {_of("memory_limit_bytes"): "100x20", _of("memory_resident_bytes"): "91x20"},
             {_of("memory_limit_bytes"): "0x20"}),
    RuleCase("MozuMemoryShort",
             {_of("memory_limit_bytes"): "100x20", _of("memory_resident_bytes"): "91x20"},
             {_of("memory_resident_bytes"): "89x20"}),
    RuleCase("MozuLoopLate", {_of("loop_lag_seconds"): "1.5x20"}, {_of("loop_lag_seconds"): "0.5x20"}),
)  # fmt: skip


def unit_tests() -> Iterator[dict[str, Any]]:
    """Return the tests for `promtool test rules`, two for each case."""
    for case in CASES:
        for fires in (True, False):
            yield {
                "name": f"{case.rule} {'fires' if fires else 'is quiet'}",
                "interval": "1m",
                "input_series": case.inputs(fires=fires),
                "promql_expr_test": [_expectation(case, fires=fires)],
            }


def _expectation(case: RuleCase, *, fires: bool) -> dict[str, Any]:
    if case.is_recorded:  # the value exists, and is not 0 or is 0
        query = f"count({case.rule} {'!=' if fires else '=='} 0) or vector(0)"
        return _one(query, 1)
    query = f'count(ALERTS{{alertname="{case.rule}",alertstate="firing"}}) or vector(0)'
    return _one(query, int(fires))


def _one(query: str, value: int) -> dict[str, Any]:
    return {"expr": query, "eval_time": f"{MINUTES}m", "exp_samples": [{"labels": "{}", "value": value}]}
