"""The numbers of a run under the names that Falco's own metrics have, for dashboards and alert rules that read those.

Names and units are those of Falco 0.44: `falcosecurity_falco_…` of the program, `falcosecurity_scap_…` of the events.
"""

import os
import platform
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from mozu.core.model.alert import Severity
from mozu.core.runtime.operations.run_view import RunView
from mozu.core.runtime.operations.samples import Sample

_FALCO: Final = "falcosecurity_falco_"
_SCAP: Final = "falcosecurity_scap_"
HELP: Final = "Under the name that Falco's dashboards read; docs/operate/metrics.md says what it is made of."
_SUMS: Final[Mapping[str, str]] = {
    "type_events_seen_total": f"{_SCAP}n_evts_total",
    "type_events_lost_total": f"{_SCAP}n_drops_total",
    "sink_alerts_dropped_total": f"{_FALCO}outputs_queue_num_drops_total",
    "state_tasks": f"{_SCAP}n_threads",
    "state_files": f"{_SCAP}n_fds",
    "memory_resident_bytes": f"{_FALCO}memory_rss_bytes",
    "run_seconds_total": f"{_FALCO}duration_seconds_total",
    "open_fds": f"{_FALCO}host_open_fds_total",
}
"""Metric of mozu → the metric of Falco to which its series add up."""
_NUMBERS: Final = {severity.label: str(int(severity)) for severity in Severity}


def falco_names(run: RunView, samples: Iterable[Sample]) -> Iterator[Sample]:
    """Yield the samples that Falco has, too, under Falco's names."""
    sums = dict.fromkeys(_SUMS.values(), 0.0)
    matches: dict[tuple[tuple[str, str], ...], float] = {}
    cpu = 0.0
    for sample in samples:
        if sample.name in _SUMS:
            sums[_SUMS[sample.name]] += sample.value
        elif sample.name == "cpu_seconds_total":
            cpu = sample.value
        elif sample.name == "rule_matches_total" and sample.value:
            labels = _rule_labels(sample.labels)
            matches[labels] = matches.get(labels, 0.0) + sample.value
    for pairs, value in matches.items():
        yield Sample(f"{_FALCO}rules_matches_total", dict(pairs), value)
    for name, value in sums.items():
        yield Sample(name, {}, value)
    seconds = sums[f"{_FALCO}duration_seconds_total"]
    yield Sample(f"{_FALCO}cpu_usage_ratio", {}, cpu / seconds if seconds else 0.0)
    yield Sample(f"{_FALCO}start_timestamp_nanoseconds", {}, run.started * 1e9)
    yield Sample(f"{_FALCO}host_num_cpus_total", {}, float(os.cpu_count() or 1))
    yield Sample(f"{_FALCO}version_info", {"version": run.version}, 1.0)
    yield Sample(f"{_FALCO}kernel_release_info", {"kernel_release": platform.release()}, 1.0)
    yield Sample("falcosecurity_evt_hostname_info", {"hostname": run.hostname}, 1.0)
    for pump in run.pumps:
        yield Sample(f"{_SCAP}engine_name_info", {"engine_name": pump.plugin, "evt_source": pump.name}, 1.0)


def _rule_labels(labels: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Return the labels as Falco has them: the priority is a number. Series that were added up, because there are too
    many, have no number."""
    word = labels.get("priority", "")
    return (
        ("rule_name", labels.get("rule", "")),
        ("source", labels.get("event_source", "")),
        ("priority", _NUMBERS.get(word, word)),
    )
