"""Comparison of a test's expectations with the alerts of rules."""

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Final

import msgspec

from mozu.core.errors import Problem, UnknownField
from mozu.core.language.rules import Rule
from mozu.core.language.rules.suggest import closest
from mozu.core.model.fields import FieldRegistry, FieldType
from mozu.core.rule_tests.document import GivenValue, NamedRule, RuleTest, RuleTestFile
from mozu.core.rule_tests.given.make import field_reference
from mozu.core.rule_tests.given.values import value_of
from mozu.core.rule_tests.judged import JudgedRules, RaisedAlert
from mozu.core.rule_tests.shown import shown

_STAR: Final = "*"
_SHOWN: Final = 5


def named_rules(test: RuleTest, judged: JudgedRules) -> list[Rule]:
    """Return the rules that a test names: those of `match`, then those of `quiet`, each once."""
    expected = test.expected
    found = {one.name: judged.rules[one.name] for one in expected.match if one.name in judged.rules}
    for one in expected.quiet:
        found.update({rule.name: rule for rule in _fitting(one, judged)})
    return list(found.values())


def unknown_rules(file: RuleTestFile, test: RuleTest, judged: JudgedRules) -> Iterator[Problem]:
    """Yield a problem for each name that no rule has, and for rules both in `match` and in `quiet`."""
    match = {one.name for one in test.expected.match}
    for one in (*test.expected.match, *test.expected.quiet):
        if one in test.expected.quiet and _STAR in one.name:
            if not _fitting(one, judged):
                yield file.problem(one.offset, f"`{one.name}` fits none of the rules")
        elif one.name not in judged.rules:
            hint = closest(one.name, judged.rules) or f"they are in {', '.join(judged.files[:_SHOWN])}"
            yield file.problem(one.offset, f"no rule is called `{one.name}`; {hint}")
    for one in test.expected.quiet:
        if one.name in match:
            yield file.problem(one.offset, f"`{one.name}` is in `match` and in `quiet`; leave it out of one of them")
    sources = judged.fields.source_classes()
    if test.source and test.source not in sources:
        hint = closest(test.source, sources) or f"it is one of {', '.join(sorted(sources))}"
        yield file.problem(test.offset, f"there is no source `{test.source}`; {hint}")


def source_of(test: RuleTest, judged: JudgedRules) -> str:
    """Return the source class of the test's events."""
    rules = named_rules(test, judged)
    return test.source or (rules[0].source if rules else "syscall")


class Failure(msgspec.Struct, frozen=True):
    """An expectation that was not met."""

    offset: int
    """Offset of the expectation in the file."""
    text: str
    rule: Rule | None = None
    """A rule that matches and should not, or the reverse; None if the failure is about no rule."""


def failures(test: RuleTest, judged: JudgedRules, alerts: Sequence[RaisedAlert]) -> Iterator[Failure]:
    """Yield the expectations that were not met."""
    raised: dict[str, list[RaisedAlert]] = {}
    for alert in alerts:
        raised.setdefault(alert.rule, []).append(alert)
    expected = test.expected
    for one in expected.match:
        found = raised.get(one.name, [])
        if not found:
            yield Failure(one.offset, f"`{one.name}` should match, and stayed quiet", judged.rules[one.name])
        elif one.count is not None and one.count != len(found):
            text = f"`{one.name}` should match {one.count} times, and matched {len(found)} times"
            yield Failure(one.offset, text)
        else:
            yield from _wrong_alert(test, judged, found)
    match = {one.name for one in expected.match}
    for one in expected.quiet:
        for rule in _fitting(one, judged):
            if rule.name in raised and rule.name not in match:
                text = f"`{rule.name}` should stay quiet, and matched: {raised[rule.name][0].text}"
                yield Failure(one.offset, text, rule)


def scene_failures(
    test: RuleTest, judged: JudgedRules, alerts: Sequence[Sequence[RaisedAlert]]
) -> Iterator[Failure]:
    """Yield the expectations of a scene that were not met: an alert that is missing, and one where none should be."""
    named = {one.name for one in test.expected.match}
    for number, (given, raised) in enumerate(zip(test.events, alerts, strict=True), 1):
        place = f"event {number}, at {given.at / 10**9:g} s"
        names = [one.rule for one in raised]
        for rule in given.alert:
            if rule not in names:
                yield Failure(given.offset, f"`{rule}` should alert at {place}, and stayed quiet")
        for one in raised:
            if one.rule in named and one.rule not in given.alert:
                yield Failure(given.offset, f"`{one.rule}` should not alert at {place}, and did: {one.text}")
    for failure in failures(test, judged, [one for raised in alerts for one in raised]):
        if "stayed quiet" not in failure.text:
            yield failure


def _fitting(named: NamedRule, judged: JudgedRules) -> list[Rule]:
    if _STAR not in named.name:
        return [judged.rules[named.name]] if named.name in judged.rules else []
    return [rule for name, rule in judged.rules.items() if fnmatchcase(name, named.name)]


def _wrong_alert(test: RuleTest, judged: JudgedRules, alerts: Sequence[RaisedAlert]) -> Iterator[Failure]:
    """Yield why none of the alerts has the output and the values that the test expects."""
    reasons = [list(_differences(test, judged.fields, alert)) for alert in alerts]
    if all(reasons):
        yield from min(reasons, key=len)


def _differences(test: RuleTest, fields: FieldRegistry, alert: RaisedAlert) -> Iterator[Failure]:
    text = " ".join(alert.text.split())
    for wanted, offset in test.expected.output:
        if wanted not in text:
            yield Failure(offset, f"the output of `{alert.rule}` should hold `{wanted}`, and is: {text}")
    for key, given in test.expected.fields.items():
        wrong = _wrong_value(key, given, fields, alert)
        if wrong:
            yield Failure(given.offset, wrong)


def _wrong_value(key: str, given: GivenValue, fields: FieldRegistry, alert: RaisedAlert) -> str:
    if key not in alert.values:
        known = closest(key, alert.values) or f"it has {', '.join(alert.values)}"
        return f"the output of `{alert.rule}` does not have the field {key}; {known}"
    value = alert.values[key]
    try:
        ref = field_reference(key)
        field = fields.resolve(ref.name, ref.argument)
        form = list(given.form) if isinstance(given.form, tuple) else given.form
        same = value is None if form is None else value in (value_of(field, form), form)
        kind = field.type
    except (UnknownField, ValueError):
        same, kind = value == given.form, FieldType.STRING  # a text that `append_output` or a transformer made
    return "" if same else f"{key} of `{alert.rule}` should be `{given.shown}`, and is {shown(value, kind)}"
