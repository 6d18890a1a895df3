"""A start of mozu of any kind raises no alert in another mozu under Falco's rules and its own, except those that are
true of any tool of its kind: it loads BPF programs, or traces processes.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.requirements import ROOT, corpus, ebpf
from tests.support.running import Running, mozu_run

pytestmark = [pytest.mark.ebpf, pytest.mark.corpus, pytest.mark.timeout(300)]

OWN = ROOT / "plugins" / "rules" / "packs"
LOADED = {"BPF Program Not Profiled", "BPF program loaded by an unexpected program"}
TRACED = {
    "PTRACE attached to process",
    "Process traced by an unexpected program",
    "Environment of another process read",
}
"""Rules that except the program `mozu`, which here is called python."""
FALCOS = ("falco_rules.yaml", "falco-incubating_rules.yaml", "falco-sandbox_rules.yaml")


def configuration(folder: Path, rules: list[Path]) -> Path:
    """Write a configuration in which every matching rule raises an alert that names the process and its parents."""
    falco = {
        "rules": [str(path) for path in rules],
        "rule_matching": "all",
        "append_output": [
            {"match": {"source": "syscall"}, "extra_fields": ["proc.apid[0]", "proc.apid[1]", "proc.apid[2]"]}
        ],
    }
    path = folder / "mozu.yaml"
    entries = {"state_dir": str(folder / "state"), "evaluators": [{"falco": falco}], "sinks": ["stdout"]}
    path.write_text(json.dumps(entries))
    return path


@pytest.fixture(scope="module")
def watching(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    ebpf()
    folder = tmp_path_factory.mktemp("watching")
    rules = [corpus("falco-rules", name) for name in FALCOS]
    with mozu_run(folder, "-c", str(configuration(folder, [*rules, OWN]))) as running:
        yield running
        running.stop()


def raised(watching: Running, *arguments: str, code: int = 0) -> set[str]:
    """Return the rules that a whole run of `mozu ARGUMENTS` and its children have matched."""
    before = len(watching.alerts)
    process = subprocess.Popen(
        [sys.executable, "-m", "mozu", *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    _, log = process.communicate(timeout=120)
    assert process.returncode == code, log
    subprocess.run(["cat", "/etc/shadow"], stdout=subprocess.DEVNULL, check=True)
    end = watching.wait_alert(
        lambda alert: alert["output_fields"].get("proc.cmdline") == "cat /etc/shadow", "the marker", after=before
    )
    alerts = watching.alerts[before : watching.alerts.index(end)]
    mine = [one for one in alerts if process.pid in [one["output_fields"].get(f"proc.apid[{n}]") for n in range(3)]]
    return {alert["rule"] for alert in mine}


def test_a_run_that_watches_the_machine(watching: Running, tmp_path: Path) -> None:
    rules = [corpus("falco-rules", "falco_rules.yaml")]
    config = configuration(tmp_path, rules)
    assert raised(watching, "run", "--duration", "1", "-c", str(config)) == LOADED


def test_a_run_that_watches_every_call(watching: Running, tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(
        "- rule: Never\n  desc: d\n  condition: proc.name = no-such-name-anywhere\n  output: o\n  priority: INFO\n"
    )
    config = configuration(tmp_path, [tmp_path / "rules.yaml"])
    assert raised(watching, "run", "--duration", "1", "-c", str(config)) == LOADED


def test_a_trace(watching: Running) -> None:
    assert raised(watching, "trace", "--", "true") == TRACED


@pytest.mark.parametrize("command", [["sources"], ["check", str(OWN)], ["plugins"]], ids=lambda words: words[0])
def test_what_only_looks(watching: Running, command: list[str]) -> None:
    assert raised(watching, *command) <= LOADED
