"""Selection of the rules that run: the minimum priority, the files, and the `rules:` sequence of the configuration."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from mozu.core.language.rules.ruleset import Rule
from mozu.core.language.rules.suggest import closest
from mozu.core.model.alert import Severity

ENABLE: Final = "enable"
DISABLE: Final = "disable"
SHADOW: Final = "shadow"
PROMOTE: Final = "promote"


class Selector(msgspec.Struct, frozen=True):
    """An element of the sequence: rules by name (`*` matches any text) or by tag, on or off, in shadow mode or
    out of it."""

    action: str
    rule: str = ""
    tag: str = ""

    def selects(self, rule: Rule) -> bool:
        """Return True if it selects this rule."""
        if self.tag:
            return self.tag in rule.tags
        pattern = ".*".join(re.escape(part) for part in self.rule.split("*"))
        return re.fullmatch(pattern, rule.name, re.DOTALL) is not None


def nothing_selected(selector: Selector, rules: Iterable[Rule]) -> str:
    """Return a sentence for a selector that matches no rule, with the name or tag that is probably meant."""
    known = {tag for rule in rules for tag in rule.tags} if selector.tag else {rule.name for rule in rules}
    kind, name = ("tag", selector.tag) if selector.tag else ("rule", selector.rule)
    hint = closest(name, known)
    return f"selection: {selector.action} {kind} `{name[:80]}` fits none of the rules" + (f"; {hint}" if hint else "")


def selected(
    rules: Iterable[Rule], selectors: Sequence[Selector] = (), minimum: Severity = Severity.DEBUG
) -> list[Rule]:
    """Return the rules that run, in order of evaluation: enabled at load first, then in the order they were enabled."""
    known = [rule for rule in rules if rule.priority <= minimum]
    running = {rule.name: rule for rule in known if rule.enabled}
    for selector in selectors:
        if selector.action not in (ENABLE, DISABLE):
            continue
        for rule in known:
            if not selector.selects(rule):
                continue
            if selector.action == ENABLE:
                running.setdefault(rule.name, rule)
            else:
                running.pop(rule.name, None)
    return list(running.values())


def in_shadow(rules: Iterable[Rule], selectors: Sequence[Selector] = ()) -> frozenset[str]:
    """Return the names of the rules in shadow mode: those whose files say so, then as the selectors say, the last one
    first."""
    known = list(rules)
    found = {rule.name for rule in known if rule.guidance.shadow}
    for selector in selectors:
        if selector.action in (SHADOW, PROMOTE):
            names = {rule.name for rule in known if selector.selects(rule)}
            found = found | names if selector.action == SHADOW else found - names
    return frozenset(found)
