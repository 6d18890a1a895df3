"""Falco's three rule files together, every rule switched on, on live system calls: each trigger, each alert checked.
Rules that cannot be raised on the machines that the tests run on are listed in docs/rules/falco-rules.md; the last test
compares.
"""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.docker import IMAGE, DockerEngine, docker
from tests.support.nameserver import NameServer
from tests.support.requirements import ROOT, corpus, ebpf
from tests.support.running import Running, mozu_run
from tests.support.stage import Boxes, Stage, boxes, differences, stage
from tests.support.triggers import Contained, Trigger
from tests.support.triggers.containers import CONTAINED
from tests.support.triggers.host import HOST

__all__ = ["boxes", "docker", "stage"]

pytestmark = [pytest.mark.ebpf, pytest.mark.docker, pytest.mark.corpus, pytest.mark.timeout(300)]

FILES = ("falco_rules.yaml", "falco-incubating_rules.yaml", "falco-sandbox_rules.yaml")
FILLED = """
- list: namespace_scope_network_only_subnet
  items: [perch]
  override: {items: append}
- macro: allowed_containers
  condition: (container.image.repository = "known/image")
  override: {condition: replace}
"""
"""The two templates without which their rules cannot raise an alert."""
NAMED = {
    "kubernetes.default.svc.cluster.local": ("203.0.113.2",),
    "ca.minexmr.com": ("203.0.113.1", "2001:db8::1"),
}
"""Answers of the name server that mozu asks; the other names that rules compare with do not exist."""


@pytest.fixture(scope="module")
def mozu(docker: DockerEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    ebpf()
    folder = tmp_path_factory.mktemp("mozu")
    filled = folder / "filled.yaml"
    filled.write_text(FILLED)
    rules = [argument for name in FILES for argument in ("-r", str(corpus("falco-rules", name)))]
    settings = (
        'selection=[{enable: {rule: "*"}}]',
        "append_output=[{suggested_output: true}]",
        "rule_matching=all",
    )
    options = [argument for setting in settings for argument in ("-o", f"evaluators.falco.{setting}")]
    options += ["-o", f"enrichers.containers.docker.socket={docker.socket}", "-o", "resolve.wait=30"]
    options += ["-o", f"sources.syscalls.source.ebpf.ring_size={64 << 20}"]
    with (
        closing(NameServer(NAMED)) as server,
        mozu_run(folder, *rules, "-r", str(filled), *options, through=server.eyes(folder)) as running,
    ):
        yield running
        running.stop()


@pytest.mark.parametrize("trigger", HOST, ids=lambda trigger: trigger.rule)
def test_on_the_host(trigger: Trigger, mozu: Running, stage: Stage) -> None:
    before = len(mozu.alerts)
    stage.act(trigger)
    host = {"proc.name": trigger.by, "container.id": "host", "container.name": "host"}
    mozu.wait_alert(
        lambda a: a["rule"] == trigger.rule and not differences(a, {**host, **trigger.fields}, stage),
        f"{trigger.rule} by {trigger.by} with {dict(trigger.fields)}",
        after=before,
    )


@pytest.mark.parametrize("trigger", CONTAINED, ids=lambda trigger: trigger.rule)
def test_in_a_container(trigger: Contained, mozu: Running, boxes: Boxes) -> None:
    before = boxes.act(trigger)
    repository, tag = IMAGE.rsplit(":", 1)
    reported = {"container.name": trigger.box, "container.image.repository": repository, "container.image.tag": tag}
    mozu.wait_alert(
        lambda a: (
            a["rule"] == trigger.rule and not differences(a, {"proc.name": trigger.by, **reported, **trigger.fields})
        ),
        f"{trigger.rule} by {trigger.by} with {dict(trigger.fields)}",
        after=before,
    )


def test_nothing_was_lost(mozu: Running) -> None:
    assert mozu.process.poll() is None
    assert [] == [alert for alert in mozu.alerts if alert["rule"] == "Events lost"]


def _rules(path: Path) -> list[str]:
    items: list[dict[str, Any]] = yaml.safe_load(path.read_text())
    return [item["rule"] for item in items if "rule" in item]


def test_every_rule_is_raised_or_listed_with_the_reason() -> None:
    """Rows of the page's table of rules that are not raised begin with the rule's name."""
    page = (ROOT / "docs" / "rules" / "falco-rules.md").read_text().partition("## Not raised")[2]
    listed = {line.split("|")[1].strip() for line in page.splitlines() if line.startswith("| ")} - {"rule"}
    raised = {trigger.rule for trigger in (*HOST, *CONTAINED)}
    every = {name for file in FILES for name in _rules(corpus("falco-rules", file))}

    assert (raised - every, listed & raised, every - raised - listed) == (set(), set(), set())
