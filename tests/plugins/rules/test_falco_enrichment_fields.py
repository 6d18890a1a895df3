from pathlib import Path

from mozu.core.api import DataEvent, RuleNotes
from mozu.core.delivery.encode.known import REQUESTED_FIELDS
from mozu.core.model.fields.builtin import builtin_fields
from mozu.core.model.fields.registry import FieldRegistry
from mozu.plugins.rules.falco.enrichment_fields import EnrichmentFields
from mozu.plugins.rules.falco.evaluator import FalcoEvaluator
from mozu.plugins.rules.falco.settings import FalcoSettings
from tests.plugins.rules.making import context, executed, opened, process

NOTED = """
- rule: R
  desc: |
    What it finds,
    on two lines.
  output: hi
  priority: INFO
  condition: evt.type = execve
  tags: [host, level_medium]
  mozu:
    why: it matters
    next: look at it
    false_positives: [backups, build machines]
    references: [https://a.example/1, https://a.example/2]
    maturity: incubating
"""
RULE = '- rule: R\n  desc: d\n  output: "hi"\n  priority: INFO\n  condition: evt.type = execve\n'


def enrichment(*wanted: str) -> EnrichmentFields:
    return EnrichmentFields(wanted, FieldRegistry(builtin_fields()))


def test_facts_hold_what_was_wanted_and_exists() -> None:
    found = enrichment("proc.name", "proc.pid", "evt.failed", "fd.name").of(executed(process("ls", "-l")))
    assert {"proc.name": "ls", "proc.pid": 1000, "evt.failed": False} == found


def test_a_field_with_an_argument_is_wanted_as_written() -> None:
    assert {"proc.aname[0]": "ls"} == enrichment("proc.aname[0]").of(executed(process("ls")))


def test_a_field_that_nobody_knows_is_left_out() -> None:
    assert {"proc.name": "ls"} == enrichment("no.such", "proc.name").of(executed(process("ls")))


def test_a_source_without_the_fields_has_no_facts() -> None:
    assert {} == enrichment("proc.name").of(DataEvent("k8s_audit", "get", 1, data={}))


def test_only_fields_that_a_type_of_event_can_have_are_needed() -> None:
    every = enrichment(*REQUESTED_FIELDS)
    assert ("fds" in every.needs("syscall", "openat"), "fds" in every.needs("syscall", "execve")) == (True, False)


def test_an_alert_carries_the_facts_and_demand_names_what_they_need(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(RULE)
    wanting = context()
    wanting.requested_fields = ("proc.cwd", "user.uid")
    evaluator = FalcoEvaluator(FalcoSettings(rules=(tmp_path / "rules.yaml",)), wanting)
    (alert,) = evaluator.evaluate([executed(process("ls")), opened(process("ls"), "/x")])
    needed = evaluator.demand().of("syscall")["execve"].state_dependencies
    assert ({"proc.cwd", "user.uid"}, True) == (set(alert.enrichment), {"cwd", "ids"} <= needed)


def test_an_alert_carries_what_its_rule_says(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(NOTED)
    evaluator = FalcoEvaluator(FalcoSettings(rules=(tmp_path / "rules.yaml",)), context())

    (alert,) = evaluator.evaluate([executed(process("ls"))])

    assert alert.notes == RuleNotes(
        description="What it finds, on two lines.",
        why="it matters",
        false_positives=("backups", "build machines"),
        references=("https://a.example/1", "https://a.example/2"),
        maturity="incubating",
        level="medium",
    )
