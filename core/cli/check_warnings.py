"""Warnings of `mozu check` about a configuration or a rule that it names, each with a code and a place."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from itertools import chain
from typing import Final

import msgspec

from mozu.core.api import Evaluator
from mozu.core.cli.config_codes import ConfigCode
from mozu.core.cli.rules_in_force import ConfiguredRules
from mozu.core.filter.demand import union
from mozu.core.language.rules import Rule, nothing_selected
from mozu.core.language.rules.problem import ProblemContext
from mozu.core.model.fields import FieldRegistry
from mozu.core.model.value_types import JsonObject
from mozu.core.runtime.config import Config, Entry, Mark
from mozu.core.runtime.preflight import Finding
from mozu.core.runtime.registry import Registry
from mozu.core.runtime.unacted_sources import unacted_sources
from mozu.core.runtime.unfed_sources import configured_sources, unfed_sources
from mozu.core.runtime.unfilled_fields import unfilled_fields

_ROOT: Final = "mozu"
"""The parent of mozu's loggers; a component's is `mozu.ID`."""


class CheckWarning(msgspec.Struct, frozen=True):
    """A doubt about a configuration."""

    code: ConfigCode
    message: str
    mark: Mark

    def __str__(self) -> str:
        return str(self.mark.problem(f"{self.code.value}: {self.message}"))

    def as_dict(self) -> JsonObject:
        """Return the warning as data. Line and column count from 1; line 0 stands for an argument of the command line,
        or the default."""
        return {
            "code": self.code.value,
            "message": self.message,
            "file": self.mark.where,
            "line": self.mark.line,
            "column": self.mark.column,
        }


class LoggedWarning(msgspec.Struct, frozen=True):
    """A message of a component in the log."""

    logger: str
    text: str


@contextmanager
def logged_warnings() -> Iterator[list[LoggedWarning]]:
    """Collect the warnings of mozu's loggers within the block; none is printed if no log is set up."""
    found: list[LoggedWarning] = []
    handler = _Kept(found)
    logger = logging.getLogger(_ROOT)
    logger.addHandler(handler)
    try:
        yield found
    finally:
        logger.removeHandler(handler)


class _Kept(logging.Handler):
    def __init__(self, found: list[LoggedWarning]) -> None:
        super().__init__(logging.WARNING)
        self._found = found

    def emit(self, record: logging.LogRecord) -> None:
        self._found.append(LoggedWarning(record.name, record.getMessage()))


class CheckWarnings:
    """The finder of warnings about one configuration."""

    def __init__(self, config: Config, registry: Registry, loads: Sequence[ConfiguredRules]) -> None:
        self._config, self._registry, self._loads = config, registry, loads

    def of_plugins(self) -> Iterator[CheckWarning]:
        """Yield the warnings of the registry about plugins that it has accepted."""
        for text in self._registry.warnings:
            yield CheckWarning(ConfigCode.CONFIG_PLUGIN, text, self._whole())

    def of_start(self, findings: Iterable[Finding]) -> Iterator[CheckWarning]:
        """Yield the obstacles of a start that do not refuse it."""
        for one in findings:
            yield CheckWarning(ConfigCode.CONFIG_START_OBSTACLE, str(one), self._of_subject(one.subject))

    def of_selections(self) -> Iterator[CheckWarning]:
        """Yield a warning for each element of `selection` that fits no rule."""
        for load in self._loads:
            rules = load.loaded.rules.rules
            for at, switch in enumerate(load.settings.selection):
                selector = switch.selector()
                if not any(map(selector.selects, rules)):
                    node, _ = load.entry.node.follow(("selection", at))
                    yield CheckWarning(
                        ConfigCode.CONFIG_UNMATCHED_SELECTION, nothing_selected(selector, rules), node.mark
                    )

    def of_exceptions(self, today: date) -> Iterator[CheckWarning]:
        """Yield a warning for each exception whose last day was before `today`."""
        for load in self._loads:
            rules = load.loaded.rules
            owned = ((one, f" of the rule `{rule.name}`") for rule in rules.rules for one in rule.exceptions)
            every = chain((pair for pair in owned if pair[0].use is None), ((one, "") for one in rules.exceptions))
            for one, owner in every:
                if one.review is not None and one.review.expires is not None and one.review.expires < today:
                    author = f" (author {one.review.author})" if one.review.author else ""
                    text = f"the exception `{one.name}`{owner}{author} has expired on "
                    text += f"{one.review.expires}, and silences alerts all the same"
                    yield CheckWarning(ConfigCode.CONFIG_EXPIRED_EXCEPTION, text, _mark_of(one.context))

    def of_unacted_sources(self) -> Iterator[CheckWarning]:
        """Yield the sources on whose alerts no responder acts, if responders are configured."""
        if self._config.responders:
            for entry in self._config.sources:
                found = [(one.id, declaration) for declaration, one in self._registry.sources(entry)]
                for _, text in unacted_sources(found):
                    yield CheckWarning(ConfigCode.CONFIG_UNACTED_SOURCE, text, entry.node.mark)

    def of_idle_rules(self, fields: FieldRegistry, evaluators: Sequence[Evaluator]) -> Iterator[CheckWarning]:
        """Yield warnings about rules that never match or read absent values; the place is that of the first."""
        wanted = union(one.demand() for one in evaluators)
        for source, text in unfed_sources(configured_sources(self._config, self._registry), wanted).items():
            first = next((rule for rule in self._running() if rule.source == source), None)
            yield CheckWarning(ConfigCode.CONFIG_UNFED_RULES, text, self._of_rule(first))
        for text, readers in unfilled_fields(self._config, self._registry, fields, evaluators).items():
            first = next((rule for rule in self._running() if rule.name in readers), None)
            yield CheckWarning(ConfigCode.CONFIG_UNFILLED_FIELDS, text, self._of_rule(first))

    def of_log(self, logged: Iterable[LoggedWarning], said: Iterable[CheckWarning]) -> Iterator[CheckWarning]:
        """Yield the messages of components, without those that other warnings or the report of the rules contain."""
        known = {one.message for one in said}
        known |= {problem.line for load in self._loads for problem in load.loaded.report.problems()}
        marks = {f"{_ROOT}.{entry.id}": entry.node.mark for entry in self._config.entries()}
        for one in logged:
            if one.text not in known:
                yield CheckWarning(ConfigCode.CONFIG_COMPONENT, one.text, marks.get(one.logger, self._whole()))

    def _running(self) -> Iterator[Rule]:
        for load in self._loads:
            yield from load.running(None)

    def _of_rule(self, rule: Rule | None) -> Mark:
        if rule is None:
            return self._whole()
        return _mark_of(rule.context)

    def _of_subject(self, subject: str) -> Mark:
        """Return the place of an entry (`sink archive`) or of a setting (`capture.path_prefix`)."""
        for entry in self._config.entries():
            if subject == _subject(entry):
                return entry.node.mark
        node, steps = self._config.node.follow(subject.split("."))
        return node.mark if steps else self._whole()

    def _whole(self) -> Mark:
        return Mark(self._config.files[0] if self._config.files else "the default configuration")


def _mark_of(context: ProblemContext) -> Mark:
    line, column = context.source.place(context.offset)
    return Mark(context.source.name, line + 1, column + 1)


def _subject(entry: Entry) -> str:
    return f"{entry.kind} {entry.id}"
