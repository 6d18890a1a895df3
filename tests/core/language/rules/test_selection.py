from mozu.core.language.rules import Rule, Selector, selected
from mozu.core.model.alert import Severity
from tests.core.language.rules.small import loaded

RULES = """\
- {rule: Read a, desc: d, output: o, priority: INFO, condition: evt.type = open, tags: [x]}
- {rule: Read b, desc: d, output: o, priority: ERROR, condition: evt.type = open, enabled: false, tags: [x, y]}
- {rule: Write a, desc: d, output: o, priority: DEBUG, condition: evt.type = open}
"""


def _names(*selectors: Selector, minimum: Severity = Severity.DEBUG) -> list[str]:
    rules: tuple[Rule, ...] = loaded(RULES).rules.rules
    return [rule.name for rule in selected(rules, selectors, minimum)]


def test_rules_run_unless_their_file_disables_them() -> None:
    assert ["Read a", "Write a"] == _names()


def test_rules_below_the_minimum_priority_never_run() -> None:
    assert ["Read a"] == _names(Selector("enable", rule="Write a"), minimum=Severity.INFORMATIONAL)


def test_a_star_stands_for_any_text() -> None:
    assert ["Write a"] == _names(Selector("disable", rule="Read *"))


def test_a_pattern_must_fit_the_whole_name() -> None:
    assert ["Read a", "Write a"] == _names(Selector("disable", rule="Read"))


def test_only_the_star_is_special() -> None:
    assert ["Read a", "Write a"] == _names(Selector("disable", rule="Read ."), Selector("disable", rule="Read [a]"))


def test_rules_are_switched_by_tag() -> None:
    assert ["Write a"] == _names(Selector("disable", tag="x"))


def test_later_elements_win_and_what_they_enable_is_tried_last() -> None:
    assert ["Write a", "Read b", "Read a"] == _names(
        Selector("disable", tag="x"), Selector("enable", rule="Read b"), Selector("enable", rule="*")
    )
