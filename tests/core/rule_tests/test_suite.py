"""Expectations in tests of rules, and the messages if they are not met."""

from pathlib import Path

import pytest

from mozu.core.errors import MozuError
from mozu.core.rule_tests.suite import Plan, find
from tests.core.rule_tests.suites import RULES, kinds, messages, run

READ = "{evt.type: openat, fd.num: 3, fd.name: /secret/a, proc.name: cat, proc.aname: [bash, sshd]}"


def test_a_rule_that_matches_as_expected_passes_with_its_output_and_values(tmp_path: Path) -> None:
    tests = f"""
- test: cat reads
  event: {READ}
  match: [Secret read, Anything opened]
  quiet: Nothing*
- test: what it says
  event: {READ}
  match: Secret read
  output: [file=/secret/a, by=cat parent=bash up=sshd]
  fields: {{fd.name: /secret/a, "proc.aname[2]": sshd}}
"""
    outcomes, _ = run(tmp_path, RULES, tests.replace("  quiet: Nothing*\n", ""))
    assert kinds(outcomes) == {"cat reads": "passed", "what it says": "passed"}


def test_a_rule_that_stays_quiet_is_explained_by_the_test_that_decided(tmp_path: Path) -> None:
    tests = """
- test: missing
  event: {evt.type: openat, fd.name: /secret/a, proc.name: cat}
  match: Secret read
"""
    outcomes, _ = run(tmp_path, RULES, tests)
    (text,) = messages(outcomes, tmp_path)
    assert text == (
        "my_test.yaml:3:10: `Secret read` should match, and stayed quiet\n"
        "`fd.num >= 0` is false (fd.num is absent) [macro opened, my.yaml:5]"
    )


def test_a_rule_that_matches_against_expectation_is_explained_too(tmp_path: Path) -> None:
    tests = f"""
- test: too much
  event: {READ}
  quiet: Secret*
"""
    outcomes, _ = run(tmp_path, RULES, tests)
    (text,) = messages(outcomes, tmp_path)
    assert text.startswith("my_test.yaml:3:10: `Secret read` should stay quiet, and matched: a secret was read (file=")
    assert "`proc.name in (readers)` is true (proc.name is `cat`) [my.yaml:8]" in text


def test_a_star_in_quiet_leaves_out_what_is_to_match(tmp_path: Path) -> None:
    tests = f"""
- test: others too
  event: {READ}
  match: Secret read
  quiet: "*"
"""
    outcomes, _ = run(tmp_path, RULES, tests)
    (text,) = messages(outcomes, tmp_path)
    assert "`Anything opened` should stay quiet, and matched: opened /secret/a" in text


def test_output_and_values_that_differ_are_shown_as_they_are(tmp_path: Path) -> None:
    tests = f"""
- test: other words
  event: {READ}
  match: Secret read
  output: a secret was written
  fields: {{proc.name: less, proc.pname: ~, fd.nam: x}}
"""
    outcomes, _ = run(tmp_path, RULES, tests)
    assert messages(outcomes, tmp_path) == [
        "my_test.yaml:5:11: the output of `Secret read` should hold `a secret was written`, and is: a secret was read "
        "(file=/secret/a by=cat parent=bash up=sshd)",
        "my_test.yaml:6:12: proc.name of `Secret read` should be `less`, and is `cat`",
        "my_test.yaml:6:29: proc.pname of `Secret read` should be `~`, and is `bash`",
        "my_test.yaml:6:44: the output of `Secret read` does not have the field fd.nam; did you mean `fd.name`?",
    ]


def test_each_of_several_events_is_judged_by_itself(tmp_path: Path) -> None:
    tests = """
- given: {fd.num: 3, fd.name: /secret/a}
- test: two
  events:
    - {evt.type: openat, proc.name: cat}
    - {evt.type: open, proc.name: vi}
  match: Secret read
"""
    outcomes, _ = run(tmp_path, RULES, tests)
    (text,) = messages(outcomes, tmp_path)
    assert text.startswith("my_test.yaml:6:7: `Secret read` should match, and stayed quiet\n`proc.name in (readers)`")


def test_names_that_no_rule_has_are_mistakes_of_the_test(tmp_path: Path) -> None:
    tests = f"""
- test: misspelt
  event: {READ}
  match: Secret red
  quiet: [Foo*, Bar]
- test: both
  event: {READ}
  match: Secret read
  quiet: Secret read
"""
    outcomes, _ = run(tmp_path, RULES, tests)
    assert kinds(outcomes) == {"misspelt": "error", "both": "error"}
    assert messages(outcomes, tmp_path) == [
        "my_test.yaml:4:10: no rule is called `Secret red`; did you mean `Secret read`?",
        "my_test.yaml:5:11: `Foo*` fits none of the rules",
        "my_test.yaml:5:17: no rule is called `Bar`; they are in my.yaml",
        "my_test.yaml:9:10: `Secret read` is in `match` and in `quiet`; leave it out of one of them",
    ]


def test_a_source_that_there_is_not_is_a_mistake(tmp_path: Path) -> None:
    tests = f"- test: a\n  source: syscal\n  event: {READ}\n  quiet: Secret read\n"
    outcomes, _ = run(tmp_path, RULES, tests)
    assert messages(outcomes, tmp_path) == ["my_test.yaml:1:3: there is no source `syscal`; did you mean `syscall`?"]


def test_rules_that_cannot_be_used_are_one_error_of_the_file(tmp_path: Path) -> None:
    rules = RULES.replace("proc.name in", "proc.nam in")
    outcomes, _ = run(tmp_path, rules, f"- test: a\n  event: {READ}\n  quiet: x\n")
    (outcome,) = outcomes
    assert (outcome.kind.value, outcome.name) == ("error", "")
    assert "the rules that it tests cannot be used" in outcome.messages[0]
    assert "did you mean proc.name?" in outcome.messages[0]


def test_rules_are_those_of_the_folder_unless_the_file_or_the_command_line_says_otherwise(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other/rules.yaml").write_text(RULES.replace("Secret read", "Other"))
    tests = f"- test: a\n  event: {READ}\n  match: NAME\n"
    named, _ = run(tmp_path, "- rule: broken", f"- rules: other/rules.yaml\n{tests.replace('NAME', 'Other')}")
    beside, _ = run(tmp_path, RULES, tests.replace("NAME", "Secret read"))
    plan = Plan(rules=(str(tmp_path / "other"),))
    given, _ = run(tmp_path, "- rule: broken", tests.replace("NAME", "Other"), plan)
    assert [kinds(one) for one in (named, beside, given)] == [{"a": "passed"}] * 3


def test_only_tests_of_the_name_run(tmp_path: Path) -> None:
    tests = "".join(f"- test: {name}\n  event: {READ}\n  match: Secret read\n" for name in ("abc", "bcd", "cde"))
    outcomes, _ = run(tmp_path, RULES, tests, Plan(pattern="bc"))
    starred, _ = run(tmp_path, RULES, tests, Plan(pattern="*d*"))
    assert (list(kinds(outcomes)), list(kinds(starred))) == (["abc", "bcd"], ["bcd", "cde"])


def test_events_of_other_sources_are_given_in_the_same_way(tmp_path: Path) -> None:
    rules = """
- rule: Pod made
  desc: A pod was made.
  condition: ka.verb = create and ka.target.resource = pods
  output: pod %ka.target.name
  priority: INFO
  source: k8s_audit
"""
    tests = """
- test: made
  event: {ka.verb: create, ka.target.resource: pods, ka.target.name: web}
  match: Pod made
  output: pod web
- test: read
  event: {ka.verb: get, ka.target.resource: pods}
  quiet: Pod made
- test: of a call
  source: syscall
  event: {evt.type: openat}
  quiet: Pod made
"""
    outcomes, coverage = run(tmp_path, rules, tests)
    assert kinds(outcomes) == {"made": "passed", "read": "passed", "of a call": "passed"}
    assert [arm.missing for arm in coverage.arms if not arm.is_covered] == ["never false"]


def test_test_files_are_found_below_directories_and_must_be_there(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    for name in ("b_test.yaml", "a/c_test.yml", "a/rules.yaml"):
        (tmp_path / name).write_text("")
    assert find([tmp_path]) == [tmp_path / "a/c_test.yml", tmp_path / "b_test.yaml"]
    with pytest.raises(MozuError, match="there is no such file or directory of tests"):
        find([tmp_path / "d"])


CORRELATED = """
- rule: Secrets tried
  desc: d
  output: "%correlation.count by %proc.name, the last was %read.fd.name"
  priority: WARNING
  correlation:
    type: event_count
    rules: [{name: read, rule: Secret read}]
    group-by: [proc.name]
    timespan: 60s
    condition: {gte: 3}
"""


def _scene(folder: Path, *events: str, more: str = "") -> tuple[str, list[str]]:
    """Return the kind of the outcome of a scene, and its messages."""
    lines = "".join(f"    - {{{one}}}\n" for one in events)
    outcomes, _ = run(folder, RULES + CORRELATED, f"- test: scene\n  scene:\n{lines}{more}")
    return kinds(outcomes)["scene"], messages(outcomes, folder)


def test_a_scene_passes_if_the_rule_alerts_where_it_says_so(tmp_path: Path) -> None:
    more = "  output: 3 by cat, the last was /secret/a\n"
    assert _scene(
        tmp_path,
        f"at: 0s, event: {READ}, times: 2, every: 1s",
        f"at: 60s, event: {READ}, alert: Secrets tried",
        more=more,
    ) == ("passed", [])
    last_of_three = f"at: 0s, event: {READ}, times: 3, every: 1s, alert: Secrets tried"
    assert _scene(tmp_path, last_of_three) == ("passed", [])


def test_a_scene_fails_if_an_alert_is_missing_or_too_many(tmp_path: Path) -> None:
    late = f"at: 61s, event: {READ}, alert: Secrets tried"
    kind, (text,) = _scene(tmp_path, f"at: 0s, event: {READ}, times: 2", late)
    assert kind == "failed"
    assert "`Secrets tried` should alert at event 3, at 61 s, and stayed quiet" in text
    thrice = f"at: 0s, event: {READ}, times: 3"
    again = f"at: 90s, event: {READ}, times: 3, alert: Secrets tried"
    kind, (text,) = _scene(tmp_path, thrice, again)
    assert kind == "failed"
    assert "`Secrets tried` should not alert at event 3, at 0 s, and did: 3 by cat" in text


def test_a_scene_without_an_alert_names_what_is_quiet(tmp_path: Path) -> None:
    assert _scene(tmp_path, f"at: 0s, event: {READ}, times: 2", more="  quiet: Secrets tried\n") == ("passed", [])
    kind, (text,) = _scene(tmp_path, f"at: 0s, event: {READ}, times: 3", more="  quiet: Secrets tried\n")
    assert kind == "failed"
    assert "`Secrets tried` should stay quiet, and matched" in text


@pytest.mark.parametrize(
    ("event", "message"),
    [
        (f"event: {READ}", "an event of a scene has `at`, a time such as 10s, and `event`"),
        (f"at: soon, event: {READ}", "`at` is a time such as 500ms, 10s, 5m, 2h or 1d"),
        (f"at: 0s, event: {READ}, times: 20000", "`times` is 10,000 at most"),
        (f"at: 0s, event: {READ}, alrt: x", "an event of a scene has no key `alrt`"),
    ],
)
def test_mistakes_in_a_scene_are_reported(tmp_path: Path, event: str, message: str) -> None:
    outcomes, _ = run(tmp_path, RULES, f"- test: scene\n  scene:\n    - {{{event}}}\n  quiet: Secret read\n")
    assert any(message in text for text in messages(outcomes, tmp_path))
