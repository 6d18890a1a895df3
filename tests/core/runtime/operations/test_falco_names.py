"""mozu's numbers under the names that Falco's dashboards read."""

from mozu.core.metrics import Metrics
from mozu.core.runtime.operations.falco_names import falco_names
from mozu.core.runtime.operations.run_view import RunView
from mozu.core.runtime.operations.samples import Sample


def view(metrics: Metrics) -> RunView:
    return RunView(
        metrics=metrics,
        pumps=(),
        workers=lambda: (),
        heartbeat_intervals=dict,
        components=lambda: (),
        has_started=lambda: True,
        is_stopping=lambda: False,
        rules_digest=lambda: "00",
        statistics=dict,
        shadow=list,
        version="1.2.3",
        hostname="host",
        started=10.0,
    )


def test_series_are_added_up_under_the_other_name() -> None:
    given = [
        Sample("type_events_seen_total", {"source": "syscalls", "type": "openat"}, 5),
        Sample("type_events_seen_total", {"source": "syscalls", "type": "close"}, 7),
        Sample("rule_matches_total", {"id": "falco", "rule": "A", "event_source": "syscall", "priority": "Warning"}, 2),
        Sample("rule_matches_total", {"id": "other", "rule": "A", "event_source": "syscall", "priority": "Warning"}, 3),
        Sample("rule_matches_total", {"kind": "evaluator", "id": "falco", "rule": "B"}, 0),
        Sample("cpu_seconds_total", {}, 3),
        Sample("run_seconds_total", {}, 6),
    ]

    found = {(one.name, one.labels.get("rule_name")): one.value for one in falco_names(view(Metrics()), given)}

    assert 12 == found["falcosecurity_scap_n_evts_total", None]
    assert 5 == found["falcosecurity_falco_rules_matches_total", "A"]
    assert ("falcosecurity_falco_rules_matches_total", "B") not in found
    assert 0.5 == found["falcosecurity_falco_cpu_usage_ratio", None]
    assert 10e9 == found["falcosecurity_falco_start_timestamp_nanoseconds", None]


def test_a_rule_has_its_source_and_its_priority_as_falcos_number() -> None:
    labels = {"rule": "A", "event_source": "k8s_audit", "priority": "Critical"}
    given = [Sample("rule_matches_total", labels, 1), Sample("rule_matches_total", {"rule": "(others)"}, 1)]

    found = [one.labels for one in falco_names(view(Metrics()), given) if "rules" in one.name]

    assert {"rule_name": "A", "source": "k8s_audit", "priority": "2"} == found[0]
    assert {"rule_name": "(others)", "source": "", "priority": ""} == found[1]


def test_rules_that_have_not_matched_are_left_out_as_falco_does() -> None:
    found = list(falco_names(view(Metrics()), [Sample("rule_matches_total", {"rule": "A"}, 0)]))

    assert not [one for one in found if "rule" in one.name]
