"""Store → rules that can run: exceptions, lists, parse, macros, check, output; every problem of every rule reported."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

import msgspec

from mozu.core.language.conditions import Checked, CompiledOutput, ConditionError, ConditionProblem, Node, references
from mozu.core.language.correlation.shown import Shown
from mozu.core.language.rules import lint
from mozu.core.language.rules.absent_params import absent_parameters
from mozu.core.language.rules.additions import Added, Addition, added
from mozu.core.language.rules.codes import Code
from mozu.core.language.rules.correlation_reader import CorrelationItem
from mozu.core.language.rules.correlations import (
    Correlation,
    any_of_texts,
    compiled,
    shown_always,
    step_conditions,
)
from mozu.core.language.rules.exceptions import one_exception_each, with_exceptions
from mozu.core.language.rules.filled import Filled
from mozu.core.language.rules.list_names import misspelt_in_condition, misspelt_in_list
from mozu.core.language.rules.lists import Lists
from mozu.core.language.rules.macros import Macros
from mozu.core.language.rules.mapping import Add
from mozu.core.language.rules.outputs import OutputText, compile_output, cut_problem, output_text
from mozu.core.language.rules.parsing import Cache, Parses
from mozu.core.language.rules.problem import ItemRefused, ProblemContext, RuleProblem
from mozu.core.language.rules.ruleset import ListView, MacroView, Rule, RuleSet
from mozu.core.language.rules.store import RuleInfo, Store
from mozu.core.language.rules.text import LocatedText
from mozu.core.model.fields import FieldRegistry

UNKNOWN: Final = frozenset({"unknown_field", "unavailable_field", "unknown_event_type"})
"""Reasons of condition problems that `skip-if-unknown-filter` allows: names unknown to this engine."""


class Findings:
    """Problems of one rule."""

    def __init__(self) -> None:
        self.problems: list[RuleProblem] = []
        self.unknown: list[str] = []
        """Messages about names unknown to this engine."""
        self.other = False
        """True if there are errors of another kind."""

    def error(self, problem: RuleProblem, reason: str) -> None:
        """Add an error."""
        self.problems.append(problem)
        if reason in UNKNOWN:
            self.unknown.append(problem.message)
        else:
            self.other = True

    @property
    def failed(self) -> bool:
        """True if the rule cannot be compiled."""
        return self.other or bool(self.unknown)


class Compiler:
    """Compiler of a store, called again whenever files are added to it."""

    def __init__(self, fields: FieldRegistry, sources: Iterable[str], additions: Sequence[Addition] = ()) -> None:
        self.fields = fields
        self._sources = frozenset(sources)
        self._additions = additions
        self._cache = Cache(fields)
        self._outputs: dict[tuple[object, ...], CompiledOutput | ConditionError] = {}
        self._shown = Shown()

    @property
    def remembered(self) -> int:
        """Number of texts and trees that are kept for later calls."""
        return self._cache.remembered + len(self._outputs)

    def compile(self, store: Store, add: Add, later: Mapping[str, ProblemContext] | None = None) -> RuleSet:
        """Compile once. `later`: macros of files not yet collected, for better hints; None after the last file.

        Before the last file errors and Falco's warnings are reported, but no rules are returned, nor mozu's own doubts:
        a later file can still change the lists, macros and rules that they are about.
        """
        try:
            lists = Lists(store.lists)
        except ItemRefused as refused:
            for problem in refused.problems:
                add(problem)
            return RuleSet()
        parses = Parses(self._cache, lists, add)
        macros = Macros(store, parses, later or {}, add)
        rules = []
        for info in store.rules.values():
            if info.source in self._sources:
                steps, whole = self._steps(info, store, add)
                if whole is not None:
                    rules.append(self._rule(whole, steps, parses, macros, add, is_last=later is None))
        if later is not None:
            return RuleSet()
        for problem in _misspelt_lists(store, macros, lists):
            add(problem)
        return RuleSet(
            rules=tuple(rule for rule in rules if rule is not None),
            macros=tuple(_macro_views(store, macros)),
            lists=tuple(_list_views(store, lists)),
            exceptions=tuple(store.exceptions.values()),
            engine=store.engine,
            plugins=tuple(store.plugins),
        )

    def _steps(self, info: RuleInfo, store: Store, add: Add) -> tuple[list[LocatedText], RuleInfo | None]:
        """Return the conditions of the steps of a correlation, and the rule with the condition that one of them holds;
        None instead of the rule after an error."""
        if info.correlation is None:
            return [], info
        texts = step_conditions(info, info.correlation, store, add)
        if len(texts) < len(info.correlation.steps):
            return [], None
        return texts, msgspec.structs.replace(info, condition=any_of_texts(texts))

    def _rule(
        self, info: RuleInfo, steps: Sequence[LocatedText], parses: Parses, macros: Macros, add: Add, *, is_last: bool
    ) -> Rule | None:
        filled, node = parses.parse(with_exceptions(info.condition, info.all_exceptions))
        if filled is not None and node is None and parses.parse(info.condition)[1] is not None:
            for part in one_exception_each(info.condition, info.all_exceptions):
                parses.parse(part)
        findings = Findings()
        checked = None
        if filled is not None and node is not None:
            tree = macros.expand(node, filled)
            if tree is not None:
                checked = self._cache.check(tree, info.source)
                _judge(checked, filled, macros, findings)
        extra = added(self._additions, info, self.fields)
        if info.correlation is not None:
            extra = Added(extra.text, (*extra.fields, *shown_always(info.correlation)))
        text = output_text(info.output, extra.text, info.context)
        output = self._output(text, extra, info, findings)
        if info.skip_unknown and findings.unknown and not findings.other:
            message = f"the rule `{info.name}` is left out: {findings.unknown[0]}"
            add(RuleProblem(Code.LOAD_UNKNOWN_FILTER, message, info.context, info.context.offset))
            return None
        findings.problems.extend(self._warnings(info, checked, filled, macros, text, output))
        if is_last:
            findings.problems.extend(_doubts(info, node, checked, filled, macros, text))
        for problem in findings.problems:
            add(problem)
        if filled is None or node is None or checked is None or output is None or findings.failed:
            return None
        correlation = None
        if info.correlation is not None:
            correlation = self._correlation(info, info.correlation, steps, output, parses, macros, add)
            if correlation is None:
                return None
            output = msgspec.structs.replace(output, fields=correlation.of_event(output.fields))
        return _made(info, filled, node, checked, output, text, correlation) if is_last else None

    def _correlation(
        self, info: RuleInfo, item: CorrelationItem, texts: Sequence[LocatedText], output: CompiledOutput,
        parses: Parses, macros: Macros, add: Add,
    ) -> Correlation | None:  # fmt: skip
        found = []
        for text in texts:
            filled, node = parses.parse(with_exceptions(text, info.all_exceptions))
            tree = None if filled is None or node is None else macros.expand(node, filled)
            if tree is None:
                return None
            found.append(self._cache.check(tree, info.source))
        return compiled(item, found, self.fields, info.source, output, self._shown, add)

    def _output(self, text: OutputText, extra: Added, info: RuleInfo, findings: Findings) -> CompiledOutput | None:
        context = info.guidance.context is True
        names = () if info.correlation is None else tuple(step.name for step in info.correlation.steps)
        key = (text.value, info.source, extra.fields, context, names)
        if key not in self._outputs:
            fields = self._shown.fields(self.fields, info.source, names, text.value) if names else self.fields
            try:
                self._outputs[key] = compile_output(text, extra, fields, info.source, context=context)
            except ConditionError as error:
                self._outputs[key] = error
        result = self._outputs[key]
        if isinstance(result, CompiledOutput):
            return result
        for wrong in (result, *result.further):
            message, offset = wrong.message, wrong.offset
            if wrong.origin:
                message, offset = f"extra field `{wrong.origin}`: {message}", len(text.value)
            findings.error(text.problem(Code.LOAD_ERR_COMPILE_OUTPUT, message, offset, wrong.hint), wrong.reason)
        return None

    def _warnings(
        self,
        info: RuleInfo,
        checked: Checked | None,
        filled: Filled | None,
        macros: Macros,
        text: OutputText,
        output: CompiledOutput | None,
    ) -> Iterator[RuleProblem]:
        """Yield Falco's warnings."""
        if checked is not None and filled is not None:
            yield from lint.deprecated_in_condition(checked, filled, macros.filled, self.fields)
            if not checked.errors:
                yield from lint.too_many_types(info, checked)
        if output is not None:
            yield from lint.deprecated_in_output(output, text, self.fields)


def _doubts(
    info: RuleInfo, node: Node | None, checked: Checked | None, filled: Filled | None, macros: Macros, text: OutputText
) -> Iterator[RuleProblem]:
    """Yield mozu's own warnings."""
    if node is not None and filled is not None:
        yield from misspelt_in_condition(node, filled, filled.lists)
    if checked is not None and filled is not None and not checked.errors:
        yield from absent_parameters(info, checked, filled, macros.filled)
    cut = cut_problem(text)
    if cut is not None:
        yield cut


def _judge(checked: Checked, filled: Filled, macros: Macros, findings: Findings) -> None:
    for problem in checked.problems:
        found = _located(problem, filled, macros)
        if problem.is_error:
            findings.error(found, problem.reason)
        else:
            findings.problems.append(found)


def _located(problem: ConditionProblem, filled: Filled, macros: Macros) -> RuleProblem:
    text = macros.filled[problem.origin] if problem.origin else filled
    return text.problem(Code(problem.code), problem.message, problem.offset, problem.hint)


def _made(
    info: RuleInfo, filled: Filled, node: Node, checked: Checked, output: CompiledOutput, text: OutputText,
    correlation: Correlation | None,
) -> Rule:  # fmt: skip
    return Rule(
        name=info.name,
        context=info.context,
        priority=info.priority,
        source=info.source,
        tags=info.tags,
        desc=info.desc,
        enabled=info.enabled,
        capture=info.capture,
        capture_duration=info.capture_duration,
        condition_text=info.condition.value,
        output_text=info.output.value,
        filled=filled,
        written=node,
        checked=checked,
        output=output,
        output_place=text,
        macros=tuple(sorted(references(node))),
        lists=tuple(sorted(filled.used)),
        exceptions=info.all_exceptions,
        guidance=info.guidance,
        correlation=correlation,
    )


def _misspelt_lists(store: Store, macros: Macros, lists: Lists) -> Iterator[RuleProblem]:
    for name, node in macros.parsed.items():
        yield from misspelt_in_condition(node, macros.filled[name], lists)
    for info in store.lists.values():
        yield from misspelt_in_list(info, lists)


def _macro_views(store: Store, macros: Macros) -> Iterator[MacroView]:
    for info in store.macros.values():
        filled = macros.filled.get(info.name)
        yield MacroView(
            name=info.name,
            context=info.context,
            condition_text=info.condition.value,
            condition=macros.trees.get(info.name),
            used=info.name in macros.used,
            filled=filled,
            written=macros.parsed.get(info.name),
            macros=tuple(sorted(macros.direct.get(info.name, ()))),
            lists=() if filled is None else tuple(sorted(filled.used)),
        )


def _list_views(store: Store, lists: Lists) -> Iterator[ListView]:
    for info in store.lists.values():
        yield ListView(
            name=info.name,
            context=info.context,
            items=info.items,
            compiled=lists.compiled[info.name],
            used=info.name in lists.used,
            lists=tuple(sorted(lists.inner[info.name])),
            files=info.files,
        )
