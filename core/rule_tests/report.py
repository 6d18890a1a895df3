"""Outcomes and coverage → lines for people."""

from collections.abc import Iterator, Sequence

from mozu.core.rule_tests.coverage import Arm, Coverage
from mozu.core.rule_tests.outcome import OutcomeKind, TestOutcome


def outcome_lines(outcome: TestOutcome) -> Iterator[str]:
    """Yield the lines about a test that did not pass."""
    if outcome.kind is OutcomeKind.PASSED:
        return
    yield f"{outcome.kind.value.upper()} {outcome.name or outcome.file}"
    for message in outcome.messages:
        for line in message.split("\n"):
            yield f"  {line}"


def summary(outcomes: Sequence[TestOutcome], seconds: float) -> str:
    """Return a sentence with the numbers of tests by outcome."""
    counts = [(kind, sum(one.kind is kind for one in outcomes)) for kind in OutcomeKind]
    shown = ", ".join(f"{count} {_word(kind, count)}" for kind, count in counts if count)
    return f"{shown or 'no tests'} in {seconds:.2f} s"


def _word(kind: OutcomeKind, count: int) -> str:
    return "errors" if kind is OutcomeKind.ERROR and count > 1 else kind.value


def coverage_summary(coverage: Coverage) -> str:
    """Return the coverage in one sentence."""
    arms, rules = coverage.arms, coverage.rules
    covered = sum(arm.is_covered for arm in arms)
    return (
        f"{sum(rules.values())} of {len(rules)} rules seen to match; "
        f"{covered} of {len(arms)} arms of conditions seen true and false ({coverage.percent:.1f} %)"
    )


def uncovered_lines(coverage: Coverage) -> Iterator[str]:
    """Yield a line for each rule that no test has seen to match, and for each arm with what was not seen."""
    for name, seen in sorted(coverage.rules.items()):
        if not seen:
            yield f"rule never seen to match: {name}"
    for arm in coverage.arms:
        if not arm.is_covered:
            yield _arm(arm)


def _arm(arm: Arm) -> str:
    file, line, column = arm.place
    return f"{file}:{line}:{column}: {arm.missing}: {arm.text}  ({arm.holder})"
