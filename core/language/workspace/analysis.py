"""Findings of `mozu check` for texts that change little from one time to the next."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from mozu.core.language.conditions import unparse
from mozu.core.language.rules import LoadResult, Report, Resolvers, RulesLoader, SourceFile, review_steps
from mozu.core.language.rules.problem import RuleProblem
from mozu.core.model.fields import FieldRegistry

_GROWTH: Final = 3_000
"""Number of texts, trees and decisions that are kept beyond those of the first load; then everything is forgotten."""


class Analysis:
    """The analysis of files that load together."""

    def __init__(self, fields: FieldRegistry, *, strict: bool) -> None:
        self._fields, self._strict = fields, strict
        self._forget()

    def _forget(self) -> None:
        self._loader, self._resolvers = RulesLoader(self._fields), Resolvers()
        self._most = 0
        self._most_decided = 0

    def reports(
        self, texts: Sequence[SourceFile | RuleProblem], is_stale: Callable[[], bool]
    ) -> Iterator[tuple[Report, LoadResult]]:
        """Yield the report of a load, then the same report with the findings of the slower checks, unless the texts
        have changed meanwhile."""
        loaded = self._loader.load(texts)
        yield loaded.report, loaded
        found: list[RuleProblem] = []
        for step in review_steps(loaded.rules, self._fields, strict=self._strict, resolvers=self._resolvers):
            if is_stale():
                return
            found += step
        loaded.report.extend(found)
        self._bound()
        yield loaded.report, loaded

    def meanings(self, texts: Sequence[SourceFile | RuleProblem]) -> Mapping[str, str]:
        """Return rule → its condition with macros and lists filled in, of the rules that compile."""
        return {rule.name: unparse(rule.checked.node) for rule in self._loader.load(texts).rules.rules}

    def _bound(self) -> None:
        kept = self._loader.remembered, sum(len(one.decided) for one in self._resolvers.values())
        if not self._most:
            self._most, self._most_decided = kept[0] + _GROWTH, 4 * kept[1] + _GROWTH
        elif kept[0] > self._most or kept[1] > self._most_decided:
            self._forget()


def event_types(loaded: LoadResult) -> Mapping[str, frozenset[str]]:
    """Return rule → its event types; rules of every type are missing."""
    return {
        rule.name: rule.checked.event_types
        for rule in loaded.rules.rules
        if rule.checked.event_types is not None and rule.source == "syscall"
    }
