"""The steps of correlations as inputs of a program."""

from collections.abc import Iterator, Sequence

from mozu.core.language.conditions import RuleInput
from mozu.core.language.rules.ruleset import Rule


def step_inputs(rules: Sequence[Rule]) -> Iterator[tuple[RuleInput, int, int]]:
    """Yield the input, the position of the rule and the number of the step, of each rule the last step first (`step`).
    The input is like a rule in shadow mode: its match hides no match of a rule, and none hides it."""
    for place, rule in enumerate(rules):
        steps = () if rule.correlation is None else rule.correlation.steps
        for at in reversed(range(len(steps))):
            yield RuleInput(rule.name, rule.source, steps[at].checked.node, shadow=True), place, at
