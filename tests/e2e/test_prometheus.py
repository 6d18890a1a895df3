"""A real Prometheus scrapes a run on a busy machine: the shipped rules are evaluated, and all sums are consistent."""

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import yaml

from tests.support.ports import free_port
from tests.support.prometheus_cases import CASES, unit_tests
from tests.support.prometheus_server import Prometheus, serving
from tests.support.requirements import ROOT, ebpf, program
from tests.support.running import mozu_run
from tests.support.tracing import place

RULES: Final = ROOT / "docs/operate/monitoring/prometheus-rules.yaml"
DASHBOARD: Final = json.loads((ROOT / "docs/operate/monitoring/grafana-dashboard.json").read_text())
SCRAPES: Final = 8
UNACCOUNTED: Final = ("mozu:events_unaccounted", "mozu:sink_alerts_unaccounted")


@contextmanager
def prometheus(folder: Path, target: int, rules: Path = RULES) -> Iterator[Prometheus]:
    configuration = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(rules)],
        "scrape_configs": [{"job_name": "mozu", "static_configs": [{"targets": [f"127.0.0.1:{target}"]}]}],
    }
    with serving(folder, configuration) as server:
        yield server


def test_the_equations_hold_at_every_scrape_and_every_query_of_the_dashboard_has_data() -> None:
    ebpf()
    listen = free_port()
    arguments = ("-o", f"http.listen=127.0.0.1:{listen}", "-o", "sinks=[stdout]", "-o", "enrichers=[users]")
    with (
        place() as folder,
        prometheus(folder, listen) as server,
        mozu_run(folder, *arguments, "-o", f"state_dir={folder}") as mozu,
    ):
        load = subprocess.Popen(["sh", "-c", "while :; do cat /etc/shadow /etc/hostname >/dev/null; done"])
        try:
            query = 'count_over_time(up{job="mozu"}[10m])'
            server.wait(lambda: bool(server.values(f"{query} >= {SCRAPES}")), f"{SCRAPES} scrapes")
        finally:
            load.kill()
            load.wait()
        for name in UNACCOUNTED:
            query = f"max_over_time({name}[10m]) - min_over_time({name}[10m]) or abs({name})"
            server.wait(lambda name=name: bool(server.values(name)), f"a value of {name}")  # type: ignore[misc]  # mypy types no default of a lambda
            assert {0.0} == set(server.values(query)) | set(server.values(name))
        assert min(server.values("min_over_time(mozu:events_in_flight[10m])")) >= 0
        server.wait(lambda: 0.0 in server.values("mozu:events_in_flight"), "nothing in flight")
        assert min(server.values("mozu_type_events_seen_total{type='openat'}")) > 100
        failing = [one for group in server.ask("rules")["groups"] for one in group["rules"] if one["health"] == "err"]
        assert [] == failing
        # An increase needs two scrapes, and a counter may have come with the last one.
        for query in queries(listen):
            server.wait(lambda query=query: bool(server.ask("query", query=query)["result"]), query)  # type: ignore[misc]  # mypy types no default of a lambda
        mozu.stop()


def shipped_rules() -> list[dict[str, str]]:
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def queries(port: int) -> list[str]:
    """Return the dashboard's queries as Grafana would send them."""
    found = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
    values = {"$job": "mozu", "$instance": f"127.0.0.1:{port}", "$__rate_interval": "10m"}
    for name, value in values.items():
        found = [query.replace(name, value) for query in found]
    return found


def test_each_shipped_rule_fires_where_it_must_and_nowhere_else(tmp_path: Path) -> None:
    promtool, cases = program("promtool"), tmp_path / "cases.yaml"
    shipped = {rule.get("record", rule.get("alert")) for rule in shipped_rules()}
    assert shipped == {case.rule for case in CASES}
    document = {"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": [*unit_tests()]}
    cases.write_text(json.dumps(document))

    found = subprocess.run([promtool, "test", "rules", str(cases)], capture_output=True, text=True)

    assert found.returncode == 0, found.stdout + found.stderr


def test_a_sink_that_never_dropped_and_delivers_nothing_fires_the_alert_and_its_neighbour_does_not(
    tmp_path: Path,
) -> None:
    """Windows of the rules are seconds here instead of minutes."""
    listen, nowhere = free_port(), free_port()
    rules = tmp_path / "rules.yaml"
    rules.write_text(re.sub(r"\b(\d+)m\b", "4s", RULES.read_text()))
    sinks = f"sinks=[stdout, {{webhook: {{id: siem, url: 'http://127.0.0.1:{nowhere}/', allow_private: true}}}}]"
    firing = 'ALERTS{alertname="MozuSinkBehind",alertstate="firing"}'
    with (
        place() as folder,
        prometheus(tmp_path, listen, rules) as server,
        mozu_run(folder, "-o", f"http.listen=127.0.0.1:{listen}", "-o", sinks, "-o", f"state_dir={folder}") as mozu,
    ):
        server.wait(lambda: bool(server.values(firing)), "the sink that delivers nothing is reported")
        assert {"siem"} == {one["metric"]["id"] for one in server.ask("query", query=firing)["result"]}
        assert {0.0} == set(server.values("mozu_sink_alerts_dropped_total"))
        assert {0.0} == set(server.values("mozu:sink_alerts_unaccounted"))
        assert 2 == len(server.values("mozu:sink_alerts_unaccounted"))
        mozu.stop()
