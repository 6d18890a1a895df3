"""The evaluator: loads and compiles the rule files, evaluates batches of events, makes alerts from matches."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cached_property
from hashlib import blake2b
from typing import Final

from mozu.core.api import (
    Alert,
    CallJudge,
    CallVerdict,
    Context,
    Demand,
    Event,
    FieldRegistry,
    Interest,
    Resolved,
    RuleCondition,
    RuleHead,
    RuleNotes,
    RulesError,
    SyscallEvent,
)
from mozu.core.filter.formula import TRUE
from mozu.core.language.conditions import Checked, CompiledOutput, RuleInput, compile_rules
from mozu.core.language.conditions.unparse import unparse
from mozu.core.language.correlation import Completed
from mozu.core.language.rules import (
    ENGINE_VERSION,
    LoadResult,
    Options,
    Rule,
    in_shadow,
    left_out,
    load,
    nothing_selected,
    priority,
    selected,
    with_static_fields,
)
from mozu.plugins.rules.falco.container_state import ContainerState
from mozu.plugins.rules.falco.correlating import Correlating, wanted_of
from mozu.plugins.rules.falco.enrichment_fields import EnrichmentFields
from mozu.plugins.rules.falco.rule_times import RuleTimes
from mozu.plugins.rules.falco.settings import FalcoSettings
from mozu.plugins.rules.falco.triage import questions

_EVERY: Final = "*"
_LEVEL: Final = "level_"
"""Prefix of the tag with a rule's level, the share of honest activity among its matches."""


class FalcoEvaluator:
    """Evaluator of rules. Building one loads and compiles; raises RulesError with the whole report."""

    def __init__(self, settings: FalcoSettings, context: Context) -> None:
        self._settings, self.context = settings, context
        fields = with_static_fields(context.fields, settings.static_fields)
        result = self._load(fields)
        minimum = priority(settings.priority)
        assert minimum is not None
        selectors = [switch.selector() for switch in settings.selection]
        for selector in selectors:
            if not any(map(selector.selects, result.rules.rules)):
                context.log.warning("%s", nothing_selected(selector, result.rules.rules))
        self.rules: list[Rule] = selected(result.rules.rules, (*settings.chosen(), *selectors), minimum)
        self._shadow = in_shadow(self.rules, selectors)
        self._fields = fields
        self._correlating = Correlating(self.rules, fields, context, settings.correlation_groups)
        inputs = self._inputs(rule for rule in self.rules if rule.correlation is None)
        self._program = compile_rules([*inputs, *self._correlating.inputs], fields, settings.rule_matching)
        self._times = RuleTimes(self._program, context, settings.rule_times) if settings.rule_times else None
        self._digest = ""
        self._enrichment = EnrichmentFields(context.requested_fields, fields)
        self._container_state = ContainerState(fields)
        self._notes = list(map(_notes, self.rules))
        self._matches = [
            context.metrics.counter(
                "rule_shadow_matches_total" if rule.name in self._shadow else "rule_matches_total",
                rule=rule.name,
                event_source=rule.source,
                priority=rule.priority.label,
            )
            for rule in self.rules
        ]
        if text := left_out(settings.rules):
            context.log.info("%s", text)
        context.log.info(
            "%d of %d rules in force (level %s; `mozu rules list` has each); rule language %s",
            len(self.rules),
            len(result.rules.rules),
            settings.level,
            ENGINE_VERSION,
        )

    def demand(self) -> Demand:
        """Return the types of events that some rule can match, with what their conditions, outputs and encoders read,
        and the names of hosts in conditions."""
        return self._demand

    @cached_property
    def _demand(self) -> Demand:
        types: dict[str, dict[str, Interest]] = {}
        for source, named in self._needs().items():
            predicates = self._program.predicates.get(source, {})
            types[source] = {name: Interest(needs, predicates.get(name, TRUE)) for name, needs in named.items()}
        return Demand(types, self._program.hosts)

    def evaluate(self, batch: Sequence[Event]) -> Sequence[Alert]:
        """Return alerts in the order of events, and of rules within an event."""
        if self._times is not None:
            self._times.sample(batch)
        return [self._alert(*found) for found in self._correlating.completed(self._program.evaluate(batch))]

    def _alert(self, event: Event, position: int, done: Completed | None = None) -> Alert:
        rule = self.rules[position]
        shadow = rule.name in self._shadow
        self._matches[position].value += 1
        if done is not None and rule.correlation is not None:
            rule.correlation.shown.show(done, rule.correlation.names)
        values = rule.output.values(event)
        return Alert(
            rule=rule.name,
            rule_id=rule.guidance.id,
            next=rule.guidance.next,
            notes=self._notes[position],
            priority=rule.priority,
            source=event.source,
            time=event.time,
            template=self._container_state.added(position, rule.output.template, values, event),
            values=values,
            tags=rule.tags,
            event_type=event.type,
            event_num=event.num,
            enrichment=self._enrichment.of(event),
            respond=() if shadow else rule.guidance.respond,
            capture=rule.capture_duration if rule.capture and not shadow else None,
            shadow=shadow,
        )

    def shadow_rules(self) -> Sequence[str]:
        """Return the names of the rules in shadow mode, in load order."""
        return [rule.name for rule in self.rules if rule.name in self._shadow]

    def _inputs(self, rules: Iterable[Rule]) -> list[RuleInput]:
        return [RuleInput(one.name, one.source, one.checked.node, one.name in self._shadow) for one in rules]

    def call_judge(self) -> CallJudge | None:
        """Return the judge of rules whose response is `deny`; None if there are none. See `JudgesBefore`."""
        denying = [
            place
            for place, rule in enumerate(self.rules)
            if "deny" in rule.guidance.respond and rule.name not in self._shadow
        ]
        if not denying:
            return None
        inputs = self._inputs(self.rules[place] for place in denying)
        program = compile_rules(inputs, self._fields, self._settings.rule_matching)

        def judge(event: SyscallEvent) -> CallVerdict:
            alerts = [self._alert(event, denying[position]) for event, position in program.evaluate((event,))]
            return CallVerdict(bool(alerts), alerts)

        return CallJudge(frozenset(program.needs.get("syscall", {})), judge)

    def fields_judged(self, event_type: str) -> Sequence[Resolved]:
        """Return the fields in the conditions. See `JudgesByFields`."""
        return self._program.fields("syscall", event_type)

    def reload(self) -> "FalcoEvaluator":
        """Return an evaluator from the present files, prepared so that the event loop compiles nothing."""
        fresh = FalcoEvaluator(self._settings, self.context)
        fresh._correlating.adopt(self._correlating)
        fresh._program.prepare()
        fresh.demand()
        fresh.rules_digest()
        return fresh

    def rules_digest(self) -> str:
        """Return a digest over all parts of the rules that decide what they report, and how."""
        if not self._digest:
            digest = blake2b(digest_size=16)
            for rule in self.rules:
                what = (rule.name, rule.source, rule.output.template, rule.priority.name, rule.tags)
                mode = "shadow " if rule.name in self._shadow else ""
                more = "" if rule.correlation is None else f" {rule.correlation.digest()}"
                text = f"{mode}{what!r} {unparse(rule.checked.node)}{more}\n"
                digest.update(text.encode("utf-8", "backslashreplace"))
            self._digest = digest.hexdigest()
        return self._digest

    def rule_names(self) -> Sequence[str]:
        """Return the names of the rules in force, in load order."""
        return [rule.name for rule in self.rules]

    def rule_conditions(self, wanted: Callable[[RuleHead], bool]) -> Sequence[RuleCondition]:
        """Return each condition as if its rule were the only one, but of no rule in shadow mode, for which nothing
        acts, and of no correlation, for which one event decides nothing. See `GivesConditions`."""
        found = []
        for rule in self.rules:
            if rule.name in self._shadow or rule.correlation is not None:
                continue
            head = RuleHead(rule.name, rule.source, tuple(rule.tags), tuple(rule.guidance.respond))
            if wanted(head):
                alone = compile_rules(self._inputs((rule,)), self._fields)
                needs, predicates = alone.needs.get(rule.source, {}), alone.predicates.get(rule.source, {})
                found.append(RuleCondition(head, {name: predicates.get(name, TRUE) for name in needs}))
        return found

    def rules_reading(self, field: str) -> Sequence[str]:
        """Return the rules in force whose condition or output reads this field, with any argument."""
        references = [one for one in self._readers if _is_of(field, one)]
        readers = {name for one in references for name in self._readers[one]}
        return [rule.name for rule in self.rules if rule.name in readers] if readers else []

    @cached_property
    def _readers(self) -> Mapping[str, Collection[str]]:
        """Rules by each field, as they write it."""
        found: dict[str, set[str]] = {}
        for rule in self.rules:
            for one in _fields_of(rule):
                found.setdefault(one, set()).add(rule.name)
        return found

    def _load(self, fields: FieldRegistry) -> LoadResult:
        additions = [entry.addition() for entry in self._settings.append_output]
        result = load(self._settings.rules, fields, Options(additions=additions))
        if not result.ok:
            raise RulesError(result.report.refusal())
        if not result.report.files:
            paths = ", ".join(map(str, self._settings.rules)) or "none"
            raise RulesError(f"there are no rule files in what `rules` names: {paths}")
        for problem in result.report.problems():
            self.context.log.warning("%s", problem.line)
        return result

    def _needs(self) -> Mapping[str, Mapping[str, frozenset[str]]]:
        """Return state dependencies by source class and event type: of the conditions, and of the outputs of possible
        matches."""
        needs: dict[str, dict[str, frozenset[str]]] = {
            source: dict(types) for source, types in self._program.needs.items()
        }
        for rule in self.rules:
            types = needs.setdefault(rule.source, {})
            for checked, outputs in wanted_of(rule):
                possible = _types(checked)
                for name in possible if _EVERY in types else possible & types.keys():
                    asked = [output.needs(None if name == _EVERY else name) for output in outputs]
                    if rule.output in outputs:
                        asked.append(self._enrichment.needs(rule.source, name))
                    types[name] = types.get(name, frozenset()).union(*asked)
        return needs


def _notes(rule: Rule) -> RuleNotes:
    guidance = rule.guidance
    level = next((tag.removeprefix(_LEVEL) for tag in rule.tags if tag.startswith(_LEVEL)), "")
    return RuleNotes(
        description=" ".join(rule.desc.split()),
        why=" ".join(guidance.why.split()),
        false_positives=guidance.false_positives,
        references=guidance.references,
        maturity=guidance.maturity,
        level=level,
        triage=questions(guidance.triage),
    )


def _types(checked: Checked) -> frozenset[str]:
    return frozenset({_EVERY}) if checked.event_types is None else checked.event_types


def _fields_of(rule: Rule) -> Iterable[str]:
    return (field for checked, outputs in wanted_of(rule) for field in (*checked.fields, *_read_by(outputs)))


def _read_by(outputs: Iterable[CompiledOutput]) -> Iterable[str]:
    return (field for output in outputs for field in output.fields)


def _is_of(field: str, reference: str) -> bool:
    """Return True if a reference as written (`acme.tag[x]`, `acme.tag.x`) may be to this field."""
    return reference == field or reference.startswith((f"{field}[", f"{field}."))
