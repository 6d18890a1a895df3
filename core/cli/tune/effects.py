"""Effects of an exception besides its purpose: positives of tests and recorded events that it silences, too."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from mozu.core.cli.rules_in_force import ConfiguredRules
from mozu.core.cli.tune.alerts import comparable
from mozu.core.cli.tune.proposals import Proposal
from mozu.core.language.conditions import RuleInput, RuleProgram, check, compile_rules, parse
from mozu.core.language.rules import Rule, expand
from mozu.core.model.event import Event
from mozu.core.model.fields import FieldRegistry
from mozu.core.model.value_types import JsonObject
from mozu.core.rule_tests.coverage import Coverage
from mozu.core.rule_tests.document import Expected, Fields, NamedRule, RuleTest
from mozu.core.rule_tests.given.fields import given_fields
from mozu.core.rule_tests.given.make import ImpossibleEvent, make_event
from mozu.core.rule_tests.live_run import LiveRun
from mozu.core.rule_tests.reader import read_tests
from mozu.core.rule_tests.suite import find


class Positive(msgspec.Struct, frozen=True):
    """An event of a test that must match the rule."""

    test: str
    """Name of the test, with file and line."""
    defaults: Fields
    """Fields that the event has if its type can have them."""
    given: Fields
    event: Event


class Positives:
    """Events of tests that a rule must match, and its alerts in recordings."""

    def __init__(self, configured: ConfiguredRules, rule: Rule, live: LiveRun) -> None:
        self._configured, self._rule, self._live = configured, rule, live
        self.fields: FieldRegistry = given_fields(configured.fields)
        self.events: list[Positive] = []
        self.untried = 0
        """Number of tests that run commands, which are not run here."""
        self._recorded: list[tuple[str, dict[str, str]]] = []
        for file in map(read_tests, find(_folders(configured))):
            for test in file.tests:
                if any(one.name == rule.name for one in test.expected.match):
                    self._add(test, f"{test.name} ({file.name}:{file.line(test.offset)})")

    def _add(self, test: RuleTest, name: str) -> None:
        if test.act is not None:
            self.untried += 1
        elif test.recording is not None:
            self.add_recording(test.recording, name)
        for given in test.events:
            try:
                event = make_event(self._configured.fields, self._rule.source, test.given, given.fields, given.offset)
            except ImpossibleEvent:
                continue  # `mozu test` reports it
            self.events.append(Positive(name, test.given, given.fields, event))

    def add_recording(self, recording: Path, name: str) -> None:
        """Judge a recording with the rules in force, and keep the alerts of the rule. Raises MozuError."""
        test = RuleTest(name, 0, Expected(match=(NamedRule(self._rule.name, 0),)), recording=recording)
        observed = self._live.run(test, list(map(str, rule_files(self._configured))), "ptrace", Coverage())
        for alert in observed.alerts:
            if alert.rule == self._rule.name:
                values: JsonObject = dict(alert.values)
                self._recorded.append((name, comparable(values)))

    def silenced_by(self, proposal: Proposal) -> list[str]:
        """Return the tests and recordings in which the exception silences at least one event, each once."""
        program = program_of(proposal.condition, self._rule.source, self.fields)
        found = [one.test for one in self.events if matches(program, one.event)]
        found += [name for name, values in self._recorded if proposal.holds(values)]
        return list(dict.fromkeys(found))


def program_of(condition: str, source: str, fields: FieldRegistry) -> RuleProgram:
    """Return the program of one condition. Raises ConditionError."""
    checked = check(parse(condition), fields, source)
    return compile_rules([RuleInput("tune", source, checked.node)], fields, "all")


def matches(program: RuleProgram, event: Event) -> bool:
    """Return True if a rule of the program matches the event."""
    return any(True for _ in program.evaluate([event]))


def rule_files(configured: ConfiguredRules) -> Sequence[Path]:
    """Return the rule files of an evaluator, in load order."""
    return [path for path in expand(configured.settings.rules) if path.exists()]


def _folders(configured: ConfiguredRules) -> Iterable[Path]:
    return dict.fromkeys(_existing(path.parent for path in rule_files(configured)))


def _existing(paths: Iterable[Path]) -> Iterator[Path]:
    return (path for path in paths if path.is_dir())
