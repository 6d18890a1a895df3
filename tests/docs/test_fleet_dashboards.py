"""The dashboards of fleets: each panel's query, run by its engine over a fleet in which each fault occurs on a single
host."""

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import chain
from pathlib import Path
from typing import Any, Final

import duckdb
import pytest

from mozu.core.delivery.encode import FORMATS
from mozu.core.model.alert import Alert, Stamp
from mozu.core.testing import alert
from tests.docs.siem_records import LOST_LAST, MISSING, SCENE, encoded
from tests.docs.test_siem_queries import CREATE
from tests.docs.test_siem_queries import query as query_of_page
from tests.support.ports import free_port
from tests.support.prometheus_server import serving
from tests.support.requirements import ROOT, program
from tests.support.running import Running, mozu_run

Json = dict[str, Any]
FLEET: Final[Json] = json.loads((ROOT / "docs/operate/monitoring/grafana-fleet.json").read_text())
ALERTS: Final[Json] = json.loads((ROOT / "docs/operate/monitoring/grafana-fleet-alerts.json").read_text())
boards = pytest.mark.parametrize("board", [FLEET, ALERTS], ids=lambda board: board["uid"])


@boards
def test_panels_lie_beside_one_another_and_ask_the_source_that_is_chosen(board: Json) -> None:
    panels, taken = board["panels"], set[tuple[int, int]]()
    assert [*range(1, len(panels) + 1)] == [panel["id"] for panel in panels]
    for panel in panels:
        place = panel["gridPos"]
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"])
                 for y in range(place["y"], place["y"] + place["h"])}  # fmt: skip
        assert place["x"] + place["w"] <= 24
        assert not cells & taken
        taken |= cells
        assert panel["datasource"]["uid"] == "${datasource}"
        assert ["A"] == [target["refId"] for target in panel["targets"]]


def query(board: Json, title: str) -> str:
    (panel,) = [one for one in board["panels"] if one["title"] == title]
    text: str = panel["targets"][0].get("expr") or panel["targets"][0]["rawSql"]
    return text


# --- Prometheus

MINUTES: Final = 60
GOOD: Final = ("good-1:9", "good-2:9", "good-3:9")
SILENT, LAGGING, LOSING, IMPAIRED = "silent:9", "lagging:9", "losing:9", "impaired:9"
HOSTS: Final = (*GOOD, SILENT, LAGGING, LOSING, IMPAIRED)


def values(host: str, minute: int) -> Iterator[tuple[str, str, float]]:
    """Yield metric, labels and value of everything that a host exports in a minute."""

    def of(faulty: str) -> float:
        """Return the value of a counter that grows on a single host."""
        return float(minute) if host == faulty else 0.0

    yield "up", "", 1
    yield "mozu_start_time_seconds", "", 1000
    yield "mozu_info", f'version="{"0.0.9" if host == LAGGING else "0.1.0"}",python="3.11",kernel="6.1"', 1
    yield "mozu_rules_info", f'digest="{"old" if host == LAGGING else "new"}"', 1
    yield "mozu_source_attached", 'source="syscalls",plugin="ebpf"', host != IMPAIRED
    yield "mozu_source_fallback", 'source="syscalls",plugin="ptrace"', 0
    yield "mozu_events_dropped_total", 'source="syscalls"', 0
    if host != GOOD[0]:  # the source of this host counts no types
        yield "mozu_type_events_lost_total", 'source="syscalls",type="openat"', of(LOSING)
    yield "mozu_component_failures_total", 'kind="enricher",id="users"', of(IMPAIRED)
    yield "mozu_field_values_rejected_total", 'field="x.y"', of(IMPAIRED)
    yield "mozu_alerts_total", "", 2 * minute
    yield "mozu_memory_resident_bytes", "", 1e8
    for rule, count in (("everywhere", float(minute)), ("once", of(LOSING))):
        yield "mozu_rule_matches_total", f'kind="evaluator",id="falco",rule="{rule}",event_source="syscall"', count
    sink = 'kind="sink",id="siem"'
    yield "mozu_sink_alerts_accepted_total", sink, 2 * minute
    yield "mozu_sink_alerts_delivered_total", sink, minute if host == LOSING else 2 * minute
    yield "mozu_sink_alerts_dropped_total", f'{sink},reason="queue full"', of(LOSING)
    yield "mozu_sink_alerts_dead_lettered_total", sink, of(IMPAIRED)
    for name in ("found", "redriven"):
        yield f"mozu_spool_{name}_records_total", sink, 0
    yield "mozu_spool_dead_letters", sink, 0
    yield "mozu_spool_oldest_seconds", sink, 300.0 if host == LOSING else 0.0
    yield "mozu:events_unaccounted", 'source="syscalls"', of(IMPAIRED)
    yield "mozu:sink_alerts_unaccounted", sink, 0


def exposition(end: float) -> str:
    """Return an hour of the fleet in OpenMetrics, each series in order of time; the silent host exports nothing in its
    last half."""
    series: dict[str, dict[str, list[str]]] = {}
    for minute in range(MINUTES):
        for host in HOSTS:
            if host == SILENT and minute >= MINUTES // 2:
                continue
            for name, labels, value in values(host, minute):
                inside = ",".join(filter(None, (f'job="mozu",instance="{host}"', labels)))
                at = end - 60 * (MINUTES - 1 - minute)
                samples = series.setdefault(name, {}).setdefault(inside, [])
                samples.append(f"{name}{{{inside}}} {value:g} {at:.0f}")
    lines: list[str] = []
    for name in sorted(series):
        lines += f"# TYPE {name} unknown", *chain.from_iterable(series[name].values())
    return "\n".join([*lines, "# EOF\n"])


EXPECTED: Final[dict[str, set[str]]] = {
    "Silent hosts": {SILENT},
    "Lagging behind in rules": {LAGGING},
    "Lagging behind in version": {LAGGING},
    "Losing events": {LOSING},
    "Losing alerts": {LOSING},
    "Dead letters": {IMPAIRED},
    "Impaired: components that fail": {IMPAIRED},
    "Impaired: fields with wrong values": {IMPAIRED},
    "Impaired: sources": {IMPAIRED},
    "Counts that do not add up": {IMPAIRED},
    "Sinks behind": {LOSING},
    "Hosts with the most alerts": {*HOSTS} - {SILENT},
    "Memory by host": {*HOSTS} - {SILENT},
}
NUMBERS: Final = {"Hosts alive": 6, "Hosts that see nothing": 1, "Versions": 2, "Sets of rules": 2,
                  "Hosts alive over time": 6}  # fmt: skip


@pytest.mark.live
def test_every_panel_over_prometheus_names_the_host_with_its_fault(tmp_path: Path) -> None:
    now = time.time() // 60 * 60
    (tmp_path / "fleet.txt").write_text(exposition(now))
    made = [program("promtool"), "tsdb", "create-blocks-from", "openmetrics"]
    subprocess.run([*made, tmp_path / "fleet.txt", tmp_path / "tsdb"], check=True, capture_output=True, timeout=60)
    with serving(tmp_path, {}) as server:
        server.wait(lambda: bool(server.ask("query", query="count(up)", time=now)["result"]), "the blocks")

        def asked(title: str) -> list[Json]:
            text = query(FLEET, title)
            for name, value in {"$job": "mozu", "$__range": "2h", "$__rate_interval": "10m"}.items():
                text = text.replace(name, value)
            found: list[Json] = server.ask("query", query=text, time=now)["result"]
            return found

        hosts = {title: {one["metric"]["instance"] for one in asked(title)} for title in EXPECTED}
        numbers = {title: float(asked(title)[0]["value"][1]) for title in NUMBERS}
        complete = {one["metric"]["instance"]: float(one["value"][1])
                    for one in asked("Completeness per host and sink")}  # fmt: skip
        rules = {one["metric"]["rule"]: float(one["value"][1]) for one in asked("Rules by hosts")}
    assert (EXPECTED, NUMBERS) == (hosts, numbers)
    assert {host: 0.5 if host == LOSING else 1.0 for host in HOSTS if host != SILENT} == complete
    assert {"everywhere": 7, "once": 1} == rules
    titles = {panel["title"] for panel in FLEET["panels"]}
    assert titles == {*EXPECTED, *NUMBERS, "Completeness per host and sink", "Rules by hosts"}


# --- SQL over alerts


def beat(host: str, number: int, **said: Any) -> Json:
    """Return a heartbeat of a host."""
    usual = {"interval": 60, "rules_digest": "new", "events_lost": 0, "alerts_dropped": 0, "sources_failed": ""}
    made = alert("Heartbeat", **{**usual, **said})
    made.source, made.hostname, made.time = "internal", host, time.time_ns()
    return record(made, host, number)


def record(made: Alert, host: str, number: int) -> Json:
    encoder = FORMATS["ocsf"].build(FORMATS["ocsf"].settings())
    found: Json = json.loads(encoder.encode(made, Stamp(host, "siem", "e1", number)))
    return found


def notice(host: str, number: int, rule: str) -> Json:
    made = alert(rule, source="internal")
    made.source, made.hostname, made.time = "internal", host, time.time_ns()
    return record(made, host, number)


def fleet() -> list[Json]:
    """Return the scene of docs/integrate/siem.md, and hosts that lag, lose and are impaired, each beside a healthy host
    that looks similar."""
    return [
        *encoded("ocsf", SCENE),
        *(beat(f"host-{number}", 1) for number in range(4)),
        beat("lagging", 1), beat("lagging", 2, rules_digest="old"),
        beat("caught-up", 1, rules_digest="old"), beat("caught-up", 2),
        beat("losing", 1), beat("losing", 2, events_lost=7),
        beat("dropping", 1, alerts_dropped=2),
        beat("blind", 1, sources_failed="syscalls"),
        beat("impaired", 1), notice("impaired", 2, "Field impaired"),
    ]  # fmt: skip


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    path = tmp_path_factory.mktemp("findings") / "findings.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in fleet()))
    made = duckdb.connect()
    made.execute(CREATE.replace("findings.jsonl", str(path)))
    for later, earlier in (("lagging", 1), ("caught-up", 1), ("losing", 1)):
        made.execute(
            "UPDATE findings SET time = time - 1000 WHERE metadata.reporter.hostname = ? AND metadata.sequence = ?",
            [later, earlier],
        )
    return made


ROWS: Final[dict[str, set[tuple[Any, ...]]]] = {
    "Hosts alive": {(13,)},
    "Silent hosts": {("dead", "siem")},
    "Lagging behind in rules": {("lagging", "old")},
    "Losing": {("losing", "siem", 7, 0), ("dropping", "siem", 0, 2)},
    "Impaired": {("blind", "Heartbeat", 1), ("impaired", "Field impaired", 1)},
    "Completeness per host and sink": {("gap", "siem", 7 / 11), ("last", "siem", 4 / 7)},
    "Ranges that did not arrive": MISSING,
    "Lost before a heartbeat": LOST_LAST,
    "Rules by hosts": {("Password database read", 4)},
}
"""Title of a panel → its rows, with as many columns as are named here; for completeness, only rows that are not
whole."""


@pytest.mark.parametrize("title", ROWS)
def test_every_panel_over_alerts_names_the_host_with_its_fault(database: duckdb.DuckDBPyConnection, title: str) -> None:
    columns = len(next(iter(ROWS[title])))
    found = {row[:columns] for row in database.execute(query(ALERTS, title)).fetchall()}
    assert ROWS[title] == {row for row in found if row[-1] != 1.0 or title != "Completeness per host and sink"}


def test_every_panel_over_alerts_has_a_case() -> None:
    assert {panel["title"] for panel in ALERTS["panels"]} == {*ROWS}


@pytest.mark.parametrize(("title", "heading"), [
    ("Silent hosts", "**Dead agents**"), ("Ranges that did not arrive", "**Is anything missing?**"),
    ("Lost before a heartbeat", "**A lost last alert**"),
])  # fmt: skip
def test_a_panel_asks_as_the_page_of_siems_does(title: str, heading: str) -> None:
    assert query_of_page(heading, "sql").strip().rstrip(";") == query(ALERTS, title)


@pytest.mark.live
def test_runs_that_are_killed_and_runs_with_other_rules_are_named(tmp_path: Path) -> None:
    """Runs four processes of mozu, without privileges; the test above has the faults that take longer to bring
    about."""
    ports = [free_port() for _ in range(4)]
    hosts = [f"127.0.0.1:{port}" for port in ports]
    scrape = {"job_name": "mozu", "static_configs": [{"targets": hosts}]}
    configuration = {"global": {"scrape_interval": "1s"}, "scrape_configs": [scrape]}
    with ExitStack() as stack:
        server = stack.enter_context(serving(tmp_path, configuration))
        runs = [stack.enter_context(listening(tmp_path / f"{port}", port, other=port == ports[3])) for port in ports]

        def named(title: str) -> set[str]:
            text = query(FLEET, title).replace("$job", "mozu").replace("$__range", "10m")
            return {one["metric"].get("instance", one["value"][1]) for one in server.ask("query", query=text)["result"]}

        server.wait(lambda: {"4"} == named("Hosts alive"), "four hosts are alive")
        server.wait(lambda: {hosts[3]} == named("Lagging behind in rules"), "the host with other rules lags behind")
        assert set() == named("Silent hosts") | named("Lagging behind in version")
        runs[0].process.kill()
        server.wait(lambda: {hosts[0]} == named("Silent hosts"), "the host that was killed is silent")
        assert {"3"} == named("Hosts alive")


@contextmanager
def listening(folder: Path, port: int, *, other: bool) -> Iterator[Running]:
    """Run mozu with one of two sets of rules and its metrics on a port, until the block ends."""
    folder.mkdir()
    rule = {"rule": "other" if other else "usual", "desc": "-", "condition": "jevt.value[/a] = b", "output": "-",
            "priority": "NOTICE", "source": "json"}  # fmt: skip
    (folder / "rules.yaml").write_text(json.dumps([rule]))
    config = {
        "sources": [{"falco_http": {"listen": f"127.0.0.1:{free_port()}", "token": "none"}}],
        "evaluators": [{"falco": {"rules": [str(folder / "rules.yaml")]}}],
        "enrichers": [], "sinks": [{"stdout": {"format": "json"}}], "state_dir": str(folder / "state"),
        "http": {"listen": f"127.0.0.1:{port}"},
    }  # fmt: skip
    (folder / "mozu.yaml").write_text(json.dumps(config))
    with mozu_run(folder, "-c", str(folder / "mozu.yaml")) as mozu:
        yield mozu
