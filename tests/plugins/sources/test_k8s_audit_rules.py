"""Falco's rules on the audit log of Kubernetes, on events that a real API server wrote and posted."""

import json
from pathlib import Path

import pytest

from mozu.core.common.k8s_audit.decoder import AuditEventDecoder
from mozu.core.metrics import Metrics
from mozu.plugins.rules.falco.evaluator import FalcoEvaluator
from mozu.plugins.rules.falco.settings import FalcoSettings
from tests.plugins.rules.making import context as rules_context
from tests.support.requirements import ROOT, corpus
from tests.support.running import mozu_run

LOG = ROOT / "tests" / "data" / "kubernetes" / "audit.log"
SWITCHES = {
    "allowed_k8s_containers": "never",
    "consider_all_events": "always",
    "allowed_full_admin_users": "never",
    "allow_all_k8s_nodes": "never",
}
"""Macro of Falco's file → its value; the values enable the five rules that are off."""
DELETED = """
- rule: A pod was deleted
  desc: A request deletes a pod.
  condition: ka.verb = delete and ka.target.resource = pods and jevt.value[/stage] = ResponseComplete
  output: "%ka.user.name deleted %ka.target.name"
  priority: NOTICE
  source: k8s_audit
"""


@pytest.mark.corpus
def test_each_of_falcos_48_rules_is_raised_by_an_event_of_a_real_api_server(tmp_path: Path) -> None:
    switches = tmp_path / "switches.yaml"
    text = "".join(f"- macro: {name}\n  condition: k8s_audit_{to}_true\n" for name, to in SWITCHES.items())
    switches.write_text(text)
    rules = [corpus("falco-rules", "k8s_audit_rules.yaml"), switches]
    evaluator = FalcoEvaluator(FalcoSettings(rules=rules, rule_matching="all"), rules_context())
    decoder = AuditEventDecoder(Metrics(), 1 << 20)
    events = [one.event for line in LOG.read_bytes().splitlines() for one in decoder.decode(line, 0)]
    assert 48 == len({alert.rule for alert in evaluator.evaluate(events)})


def test_a_run_follows_a_log_and_goes_on_behind_it_after_a_rotation_and_a_restart(tmp_path: Path) -> None:
    log, rules, config = (tmp_path / name for name in ("audit.log", "rules.yaml", "mozu.yaml"))
    rules.write_text(DELETED)
    lines = LOG.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join(lines))
    document = {
        "state_dir": str(tmp_path / "state"),
        "sources": [{"k8s_audit": {"files": [str(log)]}}],
        "enrichers": [],
        "evaluators": [{"falco": {"rules": [str(rules)]}}],
        "sinks": ["stdout"],
    }
    config.write_text(json.dumps(document))
    deletion = (
        b'{"auditID":"%d","verb":"delete","stage":"ResponseComplete","user":{"username":"eve"},'
        b'"objectRef":{"resource":"pods","name":"%d"}}\n'
    )
    with log.open("ab") as file:
        file.write(deletion % (1, 1))
    with mozu_run(tmp_path, "-c", str(config)) as running:
        running.wait_alert(lambda alert: alert["output"].endswith("eve deleted 1"), "the last line")
        statistics = running.stop()
    assert len(lines) + 1 == statistics["sources"]["k8s_audit"]["received"]
    log.rename(tmp_path / "audit-2026-12-02T14-13-33.000.log")
    log.write_bytes(deletion % (2, 2))
    with mozu_run(tmp_path, "-c", str(config)) as running:
        running.wait_alert(lambda alert: alert["output"].endswith("eve deleted 2"), "the line after the restart")
        statistics = running.stop()
    assert 1 == statistics["sources"]["k8s_audit"]["received"]
    assert 1 == len(running.alerts)
