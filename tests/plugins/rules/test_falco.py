import logging
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from mozu.core.api import DataEvent, Interest, Severity
from mozu.core.errors import RulesError
from mozu.plugins.rules.falco import mozu_components
from mozu.plugins.rules.falco.evaluator import FalcoEvaluator
from mozu.plugins.rules.falco.settings import PACKS, FalcoSettings
from tests.plugins.rules.making import connected, context, executed, opened, process

RULES = """\
- rule: Any exec
  desc: d
  output: "ran %proc.name by %user.name"
  priority: NOTICE
  condition: evt.type = execve
  tags: [b, a]
- rule: Exec of ls
  desc: d
  output: "ls in %proc.cwd"
  priority: WARNING
  condition: evt.type = execve and proc.name = ls
- rule: Read of a secret
  desc: d
  output: "read %fd.name"
  priority: DEBUG
  condition: evt.type in (open, openat) and fd.name = /secret
- rule: Get
  desc: d
  output: "%ka.user.name got %ka.target.name"
  priority: INFO
  condition: ka.verb = get
  source: k8s_audit
"""


def _evaluator(folder: Path, text: str = RULES, **settings: Any) -> FalcoEvaluator:
    file = folder / "rules.yaml"
    file.write_text(text)
    return FalcoEvaluator(FalcoSettings.model_validate({"rules": [str(file)], **settings}), context())


def _by_rule(evaluator: FalcoEvaluator, metric: str) -> dict[str, float]:
    found = evaluator.context.metrics.collect()
    return {labels["rule"]: value for name, labels, value in found if name == metric}


def test_an_alert_has_what_the_rule_and_the_event_say(tmp_path: Path) -> None:
    event = executed(process("ls", "-l"))

    (alert,) = _evaluator(tmp_path).evaluate([event])

    assert ("Any exec", Severity.NOTICE, "syscall", event.time, ("a", "b"), "execve", event.num) == (
        alert.rule,
        alert.priority,
        alert.source,
        alert.time,
        alert.tags,
        alert.event_type,
        alert.event_num,
    )
    assert "ran ls by root" == alert.message()


def test_the_first_rule_that_matches_wins_unless_all_are_wanted(tmp_path: Path) -> None:
    event = executed(process("ls"))

    assert ["Any exec"] == [alert.rule for alert in _evaluator(tmp_path).evaluate([event])]
    assert ["Any exec", "Exec of ls"] == [
        alert.rule for alert in _evaluator(tmp_path, rule_matching="all").evaluate([event])
    ]


def test_alerts_keep_the_order_of_events(tmp_path: Path) -> None:
    batch = [opened(process("cat"), "/secret", "O_RDONLY"), executed(process("ls")), executed(process("cat"))]

    rules = [alert.rule for alert in _evaluator(tmp_path).evaluate(batch)]

    assert ["Read of a secret", "Any exec", "Any exec"] == rules


def test_rules_of_other_sources_judge_their_records(tmp_path: Path) -> None:
    record = {"auditID": "1", "verb": "get", "user": {"username": "ann"}, "objectRef": {"name": "x"}}
    event = DataEvent("k8s_audit", "json", 5, 1, record)

    (alert,) = _evaluator(tmp_path).evaluate([event])

    assert ("ann got x", "k8s_audit") == (alert.message(), alert.source)


def test_demand_names_types_and_what_conditions_and_outputs_read(tmp_path: Path) -> None:
    demand = _evaluator(tmp_path).demand()

    assert {"execve", "open", "openat"} == set(demand.of("syscall"))
    assert {"*"} == set(demand.of("k8s_audit"))
    assert {"cwd", "enricher:users"} <= demand.of("syscall")["execve"].state_dependencies
    assert "enricher:users" not in demand.of("syscall")["openat"].state_dependencies
    assert all(isinstance(need, Interest) for need in demand.of("syscall").values())


def test_rules_that_do_not_run_demand_nothing(tmp_path: Path) -> None:
    evaluator = _evaluator(tmp_path, selection=[{"disable": {"rule": "*exec*"}}, {"disable": {"rule": "Exec*"}}])

    assert {"open", "openat"} == set(evaluator.demand().of("syscall"))


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ({"rule": "Any exek"}, "selection: disable rule `Any exek` fits none of the rules; did you mean `Any exec`?"),
        ({"tag": "nothing_has_it"}, "selection: disable tag `nothing_has_it` fits none of the rules"),
    ],
)
def test_a_selection_that_speaks_of_no_rule_is_reported(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, target: dict[str, str], said: str
) -> None:
    _evaluator(tmp_path, selection=[{"disable": target}, {"disable": {"rule": "Any *"}}])
    assert [record.getMessage() for record in caplog.records if record.levelname == "WARNING"] == [said]


HOSTS = """\
- list: pools
  items: [b.example, "c.example"]
- macro: to_pool
  condition: (fd.rip.name in (pools))
- rule: Contact
  desc: d
  output: "%fd.sip.name"
  priority: NOTICE
  condition: evt.type = connect and (fd.sip.name = "a.example" or to_pool)
  exceptions: [{name: peers, fields: [fd.cip.name], comps: [in], values: [[[d.example]]]}]
- rule: Off
  desc: d
  output: o
  priority: NOTICE
  condition: evt.type = connect and fd.sip.name = off.example
  enabled: false
"""


def test_demand_names_the_hosts_of_the_rules_that_run(tmp_path: Path) -> None:
    assert {f"{letter}.example" for letter in "abcd"} == _evaluator(tmp_path, HOSTS).demand().hosts


def test_a_name_is_compared_by_the_addresses_that_it_has_when_the_event_is_judged(tmp_path: Path) -> None:
    evaluator = _evaluator(tmp_path, HOSTS)
    names = evaluator.context.fields.lookups
    event = connected(process("curl"), bytes([192, 0, 2, 1]), 443)
    tables: list[dict[bytes, tuple[str, ...]]] = [
        {},
        {bytes([192, 0, 2, 1]): ("c.example", "z.example")},
        {bytes([192, 0, 2, 2]): ("c.example",)},
    ]
    found = []
    for table in tables:
        names.hosts = table
        found.append([alert.message() for alert in evaluator.evaluate([event])])
    assert [[], ["c.example"], []] == found


def test_the_minimum_priority_is_kept(tmp_path: Path) -> None:
    rules = [rule.name for rule in _evaluator(tmp_path, priority="notice").rules]

    assert ["Any exec", "Exec of ls"] == rules


def test_outputs_get_what_the_configuration_appends(tmp_path: Path) -> None:
    entries = [
        {
            "match": {"rule": "Any exec"},
            "extra_output": "env=%static.env",
            "extra_fields": ["proc.pid", {"who": "%proc.name!"}],
        }
    ]
    evaluator = _evaluator(tmp_path, append_output=entries, static_fields={"env": "test"})

    (alert,) = evaluator.evaluate([executed(process("ls"))])

    assert "ran ls by root env=test" == alert.message()
    assert (1000, "ls!") == (alert.values["proc.pid"], alert.values["who"])


def test_static_fields_are_suggested(tmp_path: Path) -> None:
    evaluator = _evaluator(tmp_path, append_output=[{"suggested_output": True}], static_fields={"env": "test"})

    (alert,) = evaluator.evaluate([executed(process("ls"))])

    assert alert.message().startswith("ran ls by root container_id=host container_name=host ")
    assert alert.message().endswith(" static_env=test")


def test_matches_are_counted_by_rule(tmp_path: Path) -> None:
    evaluator = _evaluator(tmp_path)
    evaluator.evaluate([executed(process("ls")), executed(process("cat"))])

    counted = _by_rule(evaluator, "rule_matches_total")

    assert {"Any exec": 2, "Exec of ls": 0, "Read of a secret": 0, "Get": 0} == counted


def test_rules_are_measured_on_a_sample_of_events_which_changes_no_verdict(tmp_path: Path) -> None:
    evaluator = _evaluator(tmp_path, rule_times=3)

    alerts = [evaluator.evaluate([executed(process("ls"))] * size) for size in (1, 0, 1, 2, 40)]

    assert [1, 0, 1, 2, 40] == [len(found) for found in alerts]
    assert 44 == _by_rule(evaluator, "rule_matches_total")["Any exec"]
    times = _by_rule(evaluator, "rule_seconds_total")
    assert times["Exec of ls"] > 0
    assert (0, 0) == (times["Read of a secret"], times["Get"])


def test_rules_that_are_not_to_be_measured_have_no_times(tmp_path: Path) -> None:
    evaluator = _evaluator(tmp_path, rule_times=0)
    evaluator.evaluate([executed(process("ls"))] * 10_000)

    assert {} == _by_rule(evaluator, "rule_seconds_total")


def test_a_reload_reads_the_files_again(tmp_path: Path) -> None:
    evaluator = _evaluator(tmp_path)
    (tmp_path / "rules.yaml").write_text(RULES.replace("Any exec", "Some exec"))

    fresh = evaluator.reload()

    assert ("Any exec", "Some exec") == (evaluator.rules[0].name, fresh.rules[0].name)


def test_a_start_leaves_functions_to_the_first_event_of_a_type_and_a_reload_makes_them(tmp_path: Path) -> None:
    evaluator = _evaluator(tmp_path)
    fresh = evaluator.reload()

    def made(one: FalcoEvaluator) -> set[str]:
        return set(one._program._sources["syscall"].functions)

    assert (made(evaluator), made(fresh)) == (set(), {"execve", "open", "openat"})


def test_a_reload_of_broken_rules_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    evaluator = _evaluator(tmp_path)
    (tmp_path / "rules.yaml").write_text("- rule: x\n")

    with pytest.raises(RulesError, match="LOAD_ERR_YAML_VALIDATE"):
        evaluator.reload()

    assert ["Any exec"] == [alert.rule for alert in evaluator.evaluate([executed(process("ls"))])]


def test_rules_that_are_not_there_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(RulesError, match="LOAD_ERR_FILE_READ"):
        FalcoEvaluator(FalcoSettings(rules=(tmp_path / "no.yaml",)), context())


def test_no_rule_files_at_all_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(RulesError, match="no rule files"):
        FalcoEvaluator(FalcoSettings(rules=(tmp_path,)), context())


def test_warnings_are_logged_with_their_place(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        _evaluator(tmp_path, RULES + "- {list: unused, items: []}\n")

    assert [
        f"{tmp_path}/rules.yaml:23:3: LOAD_UNUSED_LIST: the list `unused` is not used by any rule, macro or list"
    ] == [record.getMessage() for record in caplog.records]


@pytest.mark.parametrize(
    "settings",
    [
        {"rule_matching": "some"},
        {"priority": "high"},
        {"selection": [{"enable": {"rule": "a"}, "disable": {"rule": "b"}}]},
        {"selection": [{"enable": {}}]},
        {"append_output": [{"extra_fields": ["proc.pid", {"proc.pid": "x"}]}]},
        {"append_output": [{"extra_fields": [{"a": "x", "b": "y"}]}]},
        {"colour": "red"},
    ],
    ids=str,
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        FalcoSettings.model_validate(settings)


def test_the_declaration_brings_the_fields_of_the_audit_log() -> None:
    assert {"ka.verb", "json.value", "jevt.value"} <= {field.name for field in mozu_components().fields}


DENYING = RULES.replace(
    "evt.type in (open, openat) and fd.name = /secret\n",
    "evt.type in (open, openat) and fd.name = /secret\n  mozu: {respond: deny}\n",
)


def test_before_a_call_only_the_rules_that_deny_are_asked(tmp_path: Path) -> None:
    judge = _evaluator(tmp_path, DENYING).call_judge()
    assert judge is not None

    verdicts = [judge.judge(opened(process("cat"), path, "O_RDONLY")) for path in ("/secret", "/other")]

    assert frozenset({"open", "openat"}) == judge.types
    assert [True, False] == [verdict.denied for verdict in verdicts]
    assert [["Read of a secret"], []] == [[alert.rule for alert in verdict.alerts] for verdict in verdicts]


def test_rules_of_which_none_denies_have_no_judge(tmp_path: Path) -> None:
    assert _evaluator(tmp_path).call_judge() is None


def test_families_that_are_installed_and_not_in_use_are_in_the_log(
    caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    own = tmp_path / "own.yaml"
    own.write_text("[]")
    with caplog.at_level(logging.INFO):
        FalcoEvaluator(FalcoSettings(rules=(PACKS / "00-words.yaml", PACKS / "42-reads.yaml")), context())
        (said,) = [one.getMessage() for one in caplog.records if "rules list --available" in one.getMessage()]
        caplog.clear()
        FalcoEvaluator(FalcoSettings(rules=(own,)), context())  # which has none of mozu's own, on purpose

    assert "05-escapes.yaml" in said
    assert "42-reads.yaml" not in said
    assert not [one for one in caplog.records if "rules list --available" in one.getMessage()]
