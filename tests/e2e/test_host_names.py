"""Rules that compare addresses with names, live: a real name server, real connections, `mozu run` and `mozu trace`."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest

from tests.support.nameserver import NameServer
from tests.support.replaying import comparable, replayed
from tests.support.requirements import ROOT, ebpf, require
from tests.support.running import Json, Running, mozu_run

pytestmark = [pytest.mark.timeout(300)]

FIRST, SECOND, THIRD = "127.0.77.1", "127.0.77.2", "127.0.77.3"
HANGS: Final = "timeout:30 attempts:5"
"""Options of the resolver: a look-up without an answer lasts longer than anything that a test waits for."""
CONTACT: Final = """
import socket, sys
for address in sys.argv[1:]:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.connect((address, 4711))
"""


@pytest.fixture
def root() -> None:
    require(os.geteuid() == 0, "a name server of one's own needs root")


def written(path: Path, *conditions: tuple[str, str]) -> Path:
    """Write a file with rules (name, condition on connections to the port of this module); return its path."""
    rules = [
        {
            "rule": name, "desc": "any", "priority": "NOTICE",
            "condition": f"evt.type = connect and fd.sport = 4711 and {condition}",
            "output": "%fd.type %fd.sip %fd.sip.name %fd.cip.name %fd.rip.name %fd.lip.name",
        }
        for name, condition in conditions
    ]  # fmt: skip
    path.write_text(json.dumps(rules))
    return path


def contact(*addresses: str) -> None:
    subprocess.run([sys.executable, "-c", CONTACT, *addresses], check=True)


def seen(mozu: Running, *addresses: str) -> list[tuple[str, str]]:
    """Return (rule, address) of the alerts about connections to these, in order; the last address must raise one."""
    before = len(mozu.alerts)
    contact(*addresses)
    end = mozu.wait_alert(lambda alert: alert["output_fields"].get("fd.sip") == addresses[-1], "the end", after=before)
    alerts = mozu.alerts[before : mozu.alerts.index(end, before) + 1]
    return [(alert["rule"], alert["output_fields"]["fd.sip"]) for alert in alerts if alert["source"] == "syscall"]


def about(address: str, name: str) -> Callable[[Json], bool]:
    def test(alert: Json) -> bool:
        fields = alert["output_fields"]
        return (fields.get("fd.sip"), fields.get("fd.sip.name")) == (address, name)

    return test


def metrics(statistics: Json) -> dict[str, float]:
    return {entry["name"]: entry["value"] for entry in statistics["metrics"] if entry["name"].startswith("host")}


@pytest.mark.ebpf
@pytest.mark.usefixtures("root")
def test_an_address_is_compared_by_the_names_that_it_is_resolved_from(tmp_path: Path) -> None:
    ebpf()
    rules = written(
        tmp_path / "rules.yaml",
        ("six", "fd.sip.name in (b.test, six.test)"),
        ("equal", "fd.sip.name = a.test"),
        ("other", "fd.sip.name != a.test and fd.sip.name != b.test"),
    )
    hosts = {"a.test": (FIRST, SECOND), "b.test": (SECOND,), "six.test": ("::1",)}
    with (
        closing(NameServer(hosts)) as server,
        mozu_run(tmp_path, "-r", str(rules), through=server.eyes(tmp_path)) as mozu,
    ):
        found = seen(mozu, FIRST, f"::ffff:{FIRST}", SECOND, "::1", THIRD)
        statistics = mozu.stop()
    assert [("equal", FIRST), ("equal", FIRST), ("six", SECOND), ("six", "::1"), ("other", THIRD)] == found
    shown = [alert["output_fields"] for alert in mozu.alerts if alert["source"] == "syscall"]
    assert ["ipv4", "ipv4", "ipv4", "ipv6", "ipv4"] == [fields["fd.type"] for fields in shown]
    assert ["a.test", "a.test", "a.test", "six.test", None] == [fields["fd.sip.name"] for fields in shown]
    assert [None] * 3 == [shown[0][f"fd.{end}ip.name"] for end in "cl"] + [shown[4]["fd.rip.name"]]
    assert {"hosts_wanted": 3, "hosts_resolved": 3} == {
        name: value for name, value in metrics(statistics).items() if not name.endswith("_total")
    }


@pytest.mark.ebpf
@pytest.mark.usefixtures("root")
def test_an_answer_that_changes_and_a_name_that_does_not_exist(tmp_path: Path) -> None:
    """A replay, which asks no resolver, raises the same alerts at the same events."""
    ebpf()
    rules = written(
        tmp_path / "rules.yaml", ("named", "fd.sip.name in (moves.test, absent.test)"), ("end", f"fd.sip = {THIRD}")
    )
    recording = tmp_path / "live.jsonl.gz"
    options = ("-o", "resolve.refresh=1", "--record", str(recording))
    with (
        closing(NameServer({"moves.test": (FIRST,)})) as server,
        mozu_run(tmp_path, "-r", str(rules), *options, through=server.eyes(tmp_path)) as mozu,
    ):
        assert [("named", FIRST), ("end", THIRD)] == seen(mozu, FIRST, SECOND, THIRD)
        server.hosts["moves.test"] = (SECOND,)
        while ("named", SECOND) not in (found := seen(mozu, FIRST, SECOND, THIRD)):
            assert [("named", FIRST), ("end", THIRD)] == found
        assert [("named", SECOND), ("end", THIRD)] == seen(mozu, FIRST, SECOND, THIRD)
        del server.hosts["moves.test"]
        mozu.wait_log("moves.test in rules cannot be resolved: .*; its 1 addresses from before stay")
        assert [("named", SECOND), ("end", THIRD)] == seen(mozu, FIRST, SECOND, THIRD)
        statistics = mozu.stop()
    numbers = metrics(statistics)
    assert 2 <= numbers["host_lookups_failed_total"] < numbers["host_lookups_total"]
    assert 1 == len([line for line in mozu.log if "absent.test in rules cannot be resolved" in line])
    assert comparable(mozu.alerts) == comparable(replayed(recording, rules))


@pytest.mark.ebpf
@pytest.mark.usefixtures("root")
def test_a_server_that_never_answers_holds_up_nothing(tmp_path: Path) -> None:
    """Start, other rules and stop are not held up: all of them would otherwise take longer than the test waits."""
    ebpf()
    names = ", ".join(f"n{number}.test" for number in range(20))
    rules = written(tmp_path / "rules.yaml", ("named", f"fd.sip.name in ({names})"), ("plain", f"fd.sip = {FIRST}"))
    with closing(NameServer({})) as server:
        server.silent = True
        options = ("-o", "resolve.timeout=0.5")
        through = server.eyes(tmp_path, HANGS)
        with mozu_run(tmp_path, "-r", str(rules), *options, through=through) as mozu:
            assert [("plain", FIRST)] == seen(mozu, FIRST)
            mozu.wait_log("cannot be resolved: there was no answer within 0.5 s")
            numbers = metrics(mozu.stop())
    assert (20, 0) == (numbers["hosts_wanted"], numbers["hosts_resolved"])
    assert 1 <= numbers["host_lookups_failed_total"] <= 8
    assert [] == [line for line in mozu.log if "did not end" in line or re.search("hosts.* held the event loop", line)]


@pytest.mark.ebpf
@pytest.mark.usefixtures("root")
def test_two_hundred_names_and_those_of_rules_that_come_later(tmp_path: Path) -> None:
    ebpf()
    hosts = {f"n{number}.test": (f"127.0.78.{number}", f"fd00::{number:x}") for number in range(1, 201)}
    rules = written(tmp_path / "rules.yaml", ("named", f"fd.sip.name in ({', '.join(hosts)})"))
    with (
        closing(NameServer({**hosts, "later.test": (THIRD,)})) as server,
        mozu_run(tmp_path, "-r", str(rules), "-o", "resolve.wait=30", through=server.eyes(tmp_path)) as mozu,
    ):
        every = [addresses[0] for addresses in hosts.values()]
        assert [("named", address) for address in every] == seen(mozu, *every)
        written(rules, ("named", "fd.sip.name in (n7.test, later.test)"))
        mozu.process.send_signal(signal.SIGHUP)
        mozu.wait_log("mozu: reloaded: ")
        assert [("named", "127.0.78.7"), ("named", THIRD)] == seen(mozu, "127.0.78.7", "127.0.78.8", THIRD)
        numbers = metrics(mozu.stop())
    assert (2, 2) == (numbers["hosts_wanted"], numbers["hosts_resolved"])
    assert 0 == numbers["host_lookups_failed_total"]


@pytest.mark.ebpf
@pytest.mark.usefixtures("root")
def test_without_permission_nothing_is_looked_up(tmp_path: Path) -> None:
    ebpf()
    rules = written(tmp_path / "rules.yaml", ("named", "fd.sip.name = a.test"), ("not named", "fd.sip.name != a.test"))
    with (
        closing(NameServer({"a.test": (FIRST,)})) as server,
        mozu_run(tmp_path, "-r", str(rules), "-o", "resolve.enabled=false", through=server.eyes(tmp_path)) as mozu,
    ):
        assert [("not named", FIRST)] == seen(mozu, FIRST)
        mozu.stop()
        assert [] == server.asked


@pytest.mark.usefixtures("root")
def test_a_traced_command_is_judged_by_names(tmp_path: Path) -> None:
    """A recording of the command contains the addresses that were resolved."""
    rules = written(tmp_path / "rules.yaml", ("named", "fd.sip.name in (a.test, six.test)"))
    recording, report = tmp_path / "traced.jsonl.gz", tmp_path / "report.json"
    options = ("-r", str(rules), "--record", str(recording), "--report", f"json:{report}")
    command = (sys.executable, "-c", CONTACT, FIRST, SECOND, "::1")
    with closing(NameServer({"a.test": (FIRST,), "six.test": ("::1",)})) as server:
        done = subprocess.run(
            [*server.eyes(tmp_path), sys.executable, "-m", "mozu", "trace", *options, "--", *command],
            env={**os.environ, "PYTHONPATH": str(ROOT / "src")}, capture_output=True, text=True, timeout=200,
            check=False,
        )  # fmt: skip
    assert report.exists(), done.stderr
    alerts = json.loads(report.read_text())["alerts"]
    found = [(alert["output_fields"]["fd.sip"], alert["output_fields"]["fd.sip.name"]) for alert in alerts]
    assert [(FIRST, "a.test"), ("::1", "six.test")] == found, done.stderr
    assert comparable(alerts) == comparable(replayed(recording, rules))


@pytest.mark.usefixtures("root")
def test_a_traced_command_ends_though_a_name_server_never_answers(tmp_path: Path) -> None:
    rules = written(tmp_path / "rules.yaml", ("named", "fd.sip.name = a.test"), ("plain", f"fd.sip = {FIRST}"))
    report = tmp_path / "report.json"
    options = ("-r", str(rules), "--report", f"json:{report}")
    with closing(NameServer({})) as server:
        server.silent = True
        done = subprocess.run(
            [
                *server.eyes(tmp_path, HANGS), sys.executable, "-m", "mozu", "trace", *options, "--",
                sys.executable, "-c", CONTACT, FIRST,
            ],
            env={**os.environ, "PYTHONPATH": str(ROOT / "src")}, capture_output=True, text=True, timeout=60,
            check=False,
        )  # fmt: skip
        assert report.exists(), done.stderr
        assert ["a.test"] * 2 == server.asked[:2]
    assert ["plain"] == [alert["rule"] for alert in json.loads(report.read_text())["alerts"]]
