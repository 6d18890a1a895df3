"""Correlations of rules, compiled: what they are over, and what their outputs show."""

import pytest

from mozu.core.language.rules import Rule
from tests.core.language.rules.small import loaded

READ = """\
- macro: reads
  condition: (evt.type = open)
- rule: Key read
  desc: d
  output: o
  priority: INFO
  condition: reads and fd.name = /key
  exceptions: [{name: e, fields: [proc.name], comps: [=], values: [[backup]]}]
  enabled: false
"""
COUNT = """\
- rule: Keys tried
  desc: d
  output: "%correlation.count by %proc.name, %key_read.fd.name"
  priority: INFO
  correlation: {type: event_count, rules: [Key read], group-by: [proc.pid], timespan: 60s, condition: {gte: 3}}
"""
PAIR = """\
- rule: Pair
  desc: d
  output: "%ran.proc.name after %wrote.fd.name"
  priority: INFO
  correlation:
    type: temporal_ordered
    rules: [{name: wrote, condition: evt.type = open}, {name: ran, condition: evt.type = execve}]
    group-by: [who]
    timespan: 60s
    aliases: {who: {wrote: proc.pid, ran: "proc.aname[1]"}}
"""


def _rule(text: str) -> Rule:
    result = loaded(text)
    assert result.ok, [problem.line for problem in result.report.problems()]
    return result.rules.rules[-1]


def _problems(text: str) -> list[str]:
    return [problem.message for problem in loaded(text).report.problems()]


def test_the_condition_is_that_of_the_rule_with_its_exceptions_whether_it_runs_or_not() -> None:
    rule = _rule(READ + COUNT)
    assert rule.correlation is not None
    assert rule.condition_text == "((reads and fd.name = /key) and not ((proc.name = backup)))"
    assert sorted(rule.checked.event_types or ()) == ["open"]
    assert rule.correlation.steps[0].reads.key == ("proc.pid",)


def test_a_condition_of_its_own_is_one_step_and_the_rule_has_any_of_them() -> None:
    rule = _rule(PAIR)
    assert rule.correlation is not None
    assert [sorted(step.checked.event_types or ()) for step in rule.correlation.steps] == [["open"], ["execve"]]
    assert sorted(rule.checked.event_types or ()) == ["execve", "open"]


def test_an_alias_is_another_field_for_each_step() -> None:
    rule = _rule(PAIR)
    assert rule.correlation is not None
    assert [step.reads.key for step in rule.correlation.steps] == [("proc.pid",), ("proc.aname[1]",)]


def test_of_each_step_only_what_the_output_shows_is_read() -> None:
    rule = _rule(PAIR)
    assert rule.correlation is not None
    assert [step.reads.output_values for step in rule.correlation.steps] == [("fd.name",), ("proc.name",)]
    assert rule.output.fields == ()


def test_an_exception_of_the_correlation_holds_for_each_of_its_steps() -> None:
    exceptions = "  exceptions: [{name: e, fields: [proc.name], comps: [=], values: [[apt]]}]\n"
    rule = _rule(PAIR + exceptions)
    assert rule.correlation is not None
    assert all("proc.name" in step.checked.fields for step in rule.correlation.steps)


def test_it_says_in_words_what_it_wants() -> None:
    rules = [_rule(READ + COUNT), _rule(PAIR)]
    assert [rule.correlation and rule.correlation.sentence for rule in rules] == [
        "3 or more events of key_read within 60 s, for each proc.pid",
        "wrote, then ran, within 60 s, for each who",
    ]


@pytest.mark.parametrize(
    ("written", "instead", "message"),
    [
        ("[Key read]", "[Key raed]", "there is no rule `Key raed` to correlate"),
        ("[Key read]", "[Keys tried]", "the rule `Keys tried` is a correlation itself"),
        ("[proc.pid]", "[proc.pdi]", "`proc.pdi` cannot be read of every event: proc.pdi: nonexistent field"),
        ("[proc.pid]", "[proc.pid and]", "`proc.pid and` is not one field"),
        ("rules: [Key read]", "rules: [{name: proc, rule: Key read}, Key read]",
         "`proc` is the beginning of fields, and no name for a rule"),
        ("%key_read.fd.name", "%key_read.fd.nmae", "key_read.fd.nmae: nonexistent field"),
        ("priority: INFO\n  corr", "priority: INFO\n  mozu: {respond: deny}\n  corr",
         "a correlation cannot deny what has happened already"),
        ("  corr", "  condition: evt.type = open\n  corr", "a rule has either `condition` or `correlation`"),
    ],
)  # fmt: skip
def test_mistakes_are_reported(written: str, instead: str, message: str) -> None:
    found = _problems(READ + COUNT.replace(written, instead))
    assert any(one.startswith(message) for one in found), found


def test_a_mistake_in_a_condition_of_its_own_has_its_place() -> None:
    text = PAIR.replace("= execve", "= exceve")
    (problem,) = loaded(text).report.problems()
    line, column = problem.place
    assert (line, text.splitlines()[line - 1][column - 1 :][:6]) == (7, "exceve")


def test_an_override_changes_the_correlation_and_nothing_makes_a_rule_one() -> None:
    more = "{type: event_count, rules: [Key read], timespan: 1h, condition: {gte: 9}}"
    text = f"- rule: Keys tried\n  correlation: {more}\n  override: {{correlation: replace}}\n"
    rule = _rule(READ + COUNT + text)
    assert rule.correlation is not None
    assert rule.correlation.window.at_least == 9
    assert _problems(READ + text.replace("Keys tried", "Key read")) == [
        "the rule `Key read` has no `correlation` to change"
    ]
    changed = "- rule: Keys tried\n  condition: and fd.name = /x\n  override: {condition: append}\n"
    assert _problems(READ + COUNT + changed) == ["the rule `Keys tried` has no `condition` to change"]
