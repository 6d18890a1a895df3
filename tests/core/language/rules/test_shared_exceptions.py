"""Exceptions that several rules name: what they exclude, from which files, and how they are described."""

import msgspec

from mozu.core.language.conditions import unparse
from mozu.core.language.rules import LoadResult, clauses, describe_rules, review
from mozu.core.language.rules.guidance import Guidance
from tests.core.language.rules.small import loaded, registry

SHARED = """\
- exception: backup
  fields: [proc.name, fd.name]
  comps: [=, startswith]
  values: [[restic, /home]]
  mozu: {author: ana, reason: nightly, expires: 2027-01-01}
"""


def rule(name: str, uses: str = "backup", condition: str = "evt.type = openat") -> str:
    return (
        f"- rule: {name}\n  desc: d\n  condition: {condition}\n  output: '%proc.name'\n  priority: INFO\n"
        f"  mozu: {{id: ID-{name}, exceptions: [{uses}]}}\n"
    )


ALIKE = "(proc.name = restic and fd.name startswith /home)"


def conditions(result: LoadResult) -> dict[str, str]:
    assert [] == [problem.line for problem in result.report.problems()]
    return {one.name: unparse(one.checked.node) for one in result.rules.rules}


def test_each_rule_that_names_it_has_it() -> None:
    found = conditions(loaded(SHARED + rule("a") + rule("b", condition="evt.type = open") + rule("c", uses="")))

    assert {
        "a": "evt.type = openat and not " + ALIKE,
        "b": "evt.type = open and not " + ALIKE,
        "c": "evt.type = openat",
    } == found


def test_it_may_stand_behind_the_rule() -> None:
    assert conditions(loaded(SHARED + rule("a"))) == conditions(loaded(rule("a") + SHARED))


def test_a_later_file_adds_values_for_every_rule() -> None:
    more = "- exception: backup\n  values: [[borg, /srv]]\n  override: {values: append}\n"

    found = conditions(loaded(SHARED + rule("a") + rule("b"), more))

    assert [f"evt.type = openat and not ({ALIKE} or (proc.name = borg and fd.name startswith /srv))"] * 2 == [
        *found.values()
    ]


def test_a_later_file_defines_it_again() -> None:
    again = "- exception: backup\n  fields: user.name\n  values: [backup]\n"

    assert {"a": "evt.type = openat and not user.name in (backup)"} == conditions(loaded(SHARED + rule("a"), again))


def test_an_override_adds_one_to_a_rule_and_leaves_its_guidance() -> None:
    more = "- rule: a\n  mozu: {exceptions: [other]}\n  override: {mozu: append}\n"
    other = "- exception: other\n  fields: user.name\n  values: [backup]\n"

    result = loaded(SHARED + rule("a"), other + more)

    assert {"a": f"evt.type = openat and not {ALIKE} and not user.name in (backup)"} == conditions(result)
    assert Guidance(id="ID-a") == result.rules.rules[0].guidance


def test_an_override_replaces_those_of_a_rule() -> None:
    more = "- rule: a\n  mozu: {why: because}\n  override: {mozu: replace}\n"

    assert {"a": "evt.type = openat", "b": f"evt.type = openat and not {ALIKE}"} == conditions(
        loaded(SHARED + rule("a") + rule("b"), more)
    )


def test_a_name_that_stands_twice_counts_once() -> None:
    assert conditions(loaded(SHARED + rule("a"))) == conditions(loaded(SHARED + rule("a", uses="backup, backup")))


def test_a_name_is_not_defined_by_a_later_file() -> None:
    """A file may depend on earlier ones only, as for macros."""
    (problem,) = loaded(rule("a"), SHARED).report.problems()

    assert ("1.yaml", "there is no shared exception `backup`") == (problem.file, problem.message)


def test_its_clauses_carry_its_name_and_its_place() -> None:
    rules = loaded(SHARED + rule("a")).rules
    waiting, found = [clauses(rules.rules[0], rules)], set()
    while waiting:
        one = waiting.pop()
        waiting += one.children
        if one.exception:
            found.add((one.exception, one.place[1]))

    assert {("backup", 1), ("backup", 4)} == found


def test_it_is_described_with_the_rules_that_name_it() -> None:
    described = describe_rules(loaded(SHARED + rule("a") + rule("b") + rule("c", uses="")), registry())
    (shared,) = described["exceptions"]

    assert ["a", "b"] == shared["details"]["rules"]
    assert ALIKE == shared["details"]["condition_compiled"]
    assert ("ana", "nightly", "2027-01-01", [["restic", "/home"]], 1) == tuple(
        shared["info"][key] for key in ("author", "reason", "expires", "values", "line")
    )
    assert [["backup"], ["backup"], None] == [one["details"].get("shared_exceptions") for one in described["rules"]]
    assert b"backup" in msgspec.json.encode(described)


def findings(text: str) -> list[tuple[str, int, str]]:
    result = loaded(text)
    assert [] == list(result.report.problems())
    return [(one.code.value, one.place[0], one.message) for one in review(result.rules, registry(), strict=True)]


def test_a_value_that_fits_one_of_the_rules_is_no_finding_in_the_others() -> None:
    narrow = rule("a", condition="evt.type = openat and proc.name = restic")
    other = rule("b", condition="evt.type = openat and proc.name = borg")
    more = "- exception: backup\n  values: [[borg, /srv]]\n  override: {values: append}\n"

    assert not [one for one in findings(SHARED + more + narrow + other) if one[0] == "LINT_UNUSED_EXCEPTION"]


def test_one_that_excludes_nothing_is_a_finding_where_the_rule_names_it() -> None:
    text = SHARED + rule("a", condition="evt.type = openat and proc.name = borg")

    assert [
        (text.count("\n"), "the shared exception `backup` excludes nothing here: the rule matches no such event")
    ] == [(line, message) for code, line, message in findings(text) if code == "LINT_UNUSED_EXCEPTION"]
