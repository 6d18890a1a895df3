"""Mozu's own rules: the tests beside them (plugins/rules/*/*_test.yaml), and properties of every rule."""

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import msgspec
import pytest

from mozu.core.api import Alert, Context, Event, Metrics
from mozu.core.delivery.encode.compact import FORMAT, Compact
from mozu.core.delivery.encode.falco_text import FalcoText
from mozu.core.language.conditions import And, Node, Not, Or, RuleInput, Test, compile_rules
from mozu.core.language.conditions.ast import bottom_up
from mozu.core.language.rules import load
from mozu.core.model.alert import Ref
from mozu.core.model.fields.field import never
from mozu.core.model.fields.registry import FieldRegistry
from mozu.core.rule_tests.expectation import named_rules
from mozu.core.rule_tests.given.fields import given_fields
from mozu.core.rule_tests.given.make import field_reference, make_event
from mozu.core.rule_tests.live_run import LiveRun
from mozu.core.rule_tests.outcome import OutcomeKind
from mozu.core.rule_tests.reader import read_tests
from mozu.core.rule_tests.report import uncovered_lines
from mozu.core.rule_tests.suite import Plan, Suite, find
from mozu.core.runtime.registry import Registry
from mozu.plugins.rules.falco.evaluator import FalcoEvaluator
from mozu.plugins.rules.falco.settings import PACKS, FalcoSettings
from tests.plugins.rules.making import context

TRACE_PACK = PACKS.parent / "packs_trace"


def arms(root: Node) -> list[Test]:
    """Return every test of a condition."""
    found: list[Test] = []
    bottom_up(root, lambda node, _: found.append(node) if isinstance(node, Test) else None)
    return found


def negated(root: Node, arm: Test) -> Node:
    """Return the condition with one of its tests replaced by its opposite."""

    def visit(node: Node, inner: list[Node]) -> Node:
        if isinstance(node, And | Or):
            return msgspec.structs.replace(node, children=tuple(inner))
        if isinstance(node, Not):
            return msgspec.structs.replace(node, child=inner[0])
        return Not(node) if node is arm else node

    return bottom_up(root, visit)


@pytest.fixture(scope="module")
def evaluator() -> FalcoEvaluator:
    return FalcoEvaluator(FalcoSettings(rules=(PACKS,), rule_matching="all"), context())


@pytest.mark.parametrize("pack", [PACKS, TRACE_PACK], ids=["packs", "packs_trace"])
def test_the_tests_beside_them_pass_and_cover_them(pack: Path) -> None:
    suite = Suite(context().fields, LiveRun(Registry), Plan())
    outcomes = list(suite.run(find([pack])))
    assert [one.messages for one in outcomes if one.kind is not OutcomeKind.PASSED] == []
    assert len(outcomes) > 20
    assert list(uncovered_lines(suite.coverage)) == []


@pytest.mark.parametrize("pack", [PACKS, TRACE_PACK], ids=["packs", "packs_trace"])
def test_the_tests_beside_them_notice_every_arm_that_is_negated(pack: Path) -> None:
    suite = Suite(context().fields, LiveRun(Registry), Plan())
    judged, cases = suite.judged(read_tests(find([pack])[0])), defaultdict(list)
    for file in map(read_tests, find([pack])):
        for test in file.tests:
            wanted = {one.name for one in test.expected.match}
            for given in test.events:
                event = make_event(context().fields, "syscall", test.given, given.fields, 0)
                for rule in named_rules(test, judged):
                    cases[rule.name].append((event, rule.name in wanted))
    noticed: dict[tuple[str, int], bool] = {}
    for rule in judged.rules.values():
        for arm in arms(rule.checked.node):
            key = arm.origin or rule.name, arm.offset
            if not noticed.get(key):
                program = compile_rules([RuleInput("", "syscall", negated(rule.checked.node, arm))], judged.fields)
                noticed[key] = any(bool(program.evaluate([event])) is not match for event, match in cases[rule.name])
    assert len(noticed) > 90
    assert [key for key, seen in noticed.items() if not seen] == []


def test_every_rule_carries_a_tactic_and_a_technique_of_mitre(evaluator: FalcoEvaluator) -> None:
    plain = [
        rule.name
        for rule in evaluator.rules
        if not any(tag.startswith("mitre_") for tag in rule.tags) or not any(tag[:1] == "T" for tag in rule.tags)
    ]

    assert [] == plain


CONTEXT = {
    *("evt.type", "proc.name", "proc.cmdline", "proc.exepath", "proc.cwd", "proc.pid", "proc.tty"),
    *("proc.pname", "proc.pcmdline", "proc.ppid", "proc.aname[2]", "proc.aname[3]"),
    *("user.name", "user.uid", "user.loginname", "user.loginuid"),
    *("container.id", "container.name", "container.image.repository", "container.image.tag"),
    *("k8s.pod.name", "k8s.ns.name"),
}


def test_every_alert_says_which_process_by_which_parents_for_whom_and_where(evaluator: FalcoEvaluator) -> None:
    lacking = {
        rule.name: fields
        for rule in evaluator.rules
        if (fields := CONTEXT - {ref.key for ref in rule.output.template.refs()})
    }

    assert {} == lacking


OBJECTS = ("evt.object", "evt.arg.", "evt.rawarg.", "fd.", "fs.path.", "proc.cmdline", "proc.cwd", "proc.env[")
WORDS = re.compile("[a-z]+")


def examples(evaluator: FalcoEvaluator) -> Iterator[tuple[Alert, Event]]:
    """Yield an alert, with its event, for each event that a test of the rules expects to match."""
    for file in map(read_tests, find([PACKS])):
        for test in file.tests:
            for given in test.events if test.expected.match else ():
                event = make_event(context().fields, "syscall", test.given, given.fields, 0)
                event.time = 1_767_225_600_000_000_000
                for alert in evaluator.evaluate([event]):
                    if alert.rule in {one.name for one in test.expected.match}:
                        yield alert, event


def completed(alert: Alert) -> Alert:
    """Return the alert with a text for each value of its sentence that the test leaves open."""
    values = {ref.key: "given" for ref in alert.template.parts if isinstance(ref, Ref) and not ref.label}
    known = {key: value for key, value in alert.values.items() if value is not None}
    return msgspec.structs.replace(alert, values={**alert.values, **values, **known})


def test_every_sentence_names_its_object_in_the_words_of_its_rule_and_says_nothing_empty() -> None:
    about = context()
    fields = given_fields(about.fields)
    asked = Context("falco", about.log, Metrics(), fields, requested_fields=FORMAT.requested_fields)
    evaluator = FalcoEvaluator(FalcoSettings(rules=(PACKS,), rule_matching="all", level="paranoid"), asked)
    texts, lines, seen = list[int](), list[int](), set[str]()

    for alert, event in examples(evaluator):
        whole = completed(alert)
        sentence, message = whole.template.sentence(whole.values), whole.message()
        refs = [part for part in whole.template.parts if isinstance(part, Ref) and not part.label]
        assert any(ref.key.startswith(OBJECTS) for ref in refs), sentence
        for ref in refs:
            named = field_reference(ref.key)
            found = about.fields.resolve(named.name, named.argument, event.type)
            has_enricher = any(need.startswith("enricher:") for need in found.needs)
            assert found.read is not never or has_enricher, (sentence, event.type)
        assert "<NA>" not in sentence
        assert "=<NA>" not in message
        assert re.search(r"[( ]\w+=(?: \w+=|\)$)", message) is None
        assert set(WORDS.findall(alert.rule.lower())[:2]) <= set(WORDS.findall(sentence.lower())), sentence
        texts.append(len(FalcoText().encode(whole)))
        lines.append(len(Compact().encode(whole).decode()))
        seen.add(alert.rule)

    assert seen == {rule.name for rule in evaluator.rules}
    assert median(texts) <= 300
    assert median(lines) <= 160


def test_the_packs_load_without_a_warning() -> None:
    fields: FieldRegistry = context().fields

    assert [] == list(load([PACKS], fields).report.problems())
