"""Correlations of rules, compiled: the condition of each step, what is read of its events, and what outputs show."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

import msgspec

from mozu.core.language.conditions import Checked, CompiledOutput, ConditionError, compile_template
from mozu.core.language.correlation.correlator import Correlator, Reads
from mozu.core.language.correlation.shown import CLASS, FIELDS, VALUES, Shown
from mozu.core.language.correlation.window import EVENT_COUNT, TEMPORAL, TEMPORAL_ORDERED, VALUE_COUNT, Window
from mozu.core.language.rules.codes import Code
from mozu.core.language.rules.correlation_reader import CorrelationItem, StepItem
from mozu.core.language.rules.exceptions import with_exceptions
from mozu.core.language.rules.problem import ProblemContext, RuleProblem, refusing
from mozu.core.language.rules.store import RuleInfo, Store
from mozu.core.language.rules.suggest import closest
from mozu.core.language.rules.text import LocatedText, Piece
from mozu.core.model.fields import FieldRegistry

Fail = Callable[[RuleProblem], None]
TIME: Final = "evt.rawtime"
"""The field with the time of an event. It is read of every event that counts, and its value cannot be kept; so no
verdict on such an event is remembered, and the next equal one is evaluated, too."""

ACCOUNT: Final = ("user.uid", "container.id")
"""Fields of a system call that are the account of its group: a user in a container."""


class CorrelatedStep(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """A step: its condition, and what is read of events that fulfil it."""

    name: str
    rule: str
    """The rule whose condition it is; empty if it has one of its own."""
    checked: Checked
    reads: Reads


class Correlation(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """The compiled key `correlation` of a rule, whose condition is that of any of its steps."""

    window: Window
    source: str
    steps: tuple[CorrelatedStep, ...]
    group_by: tuple[str, ...]
    field: str
    shown: Shown

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the steps."""
        return tuple(step.name for step in self.steps)

    @property
    def last(self) -> Sequence[CorrelatedStep]:
        """The steps whose events can raise the alert."""
        return self.steps[-1:] if self.window.type == TEMPORAL_ORDERED else self.steps

    def correlator(self, fields: FieldRegistry, most_groups: int) -> Correlator:
        """Return the correlation at work, with nothing matched yet."""
        account = [fields.resolve(name).read for name in ACCOUNT] if self.source == "syscall" else []
        reads = [step.reads for step in self.steps]
        return Correlator(self.window, reads, fields.resolve(TIME).read, account, most_groups)

    def of_event(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return those of an output's fields that are of the event itself, not of the correlation or a step."""
        own = (f"{CLASS}.", *(f"{name}." for name in self.names))
        return tuple(name for name in names if not name.startswith(own))

    @property
    def read(self) -> tuple[str, ...]:
        """The fields that are read of events that count."""
        return tuple(dict.fromkeys(name for step in self.steps for name in step.reads.output.fields))

    @property
    def sentence(self) -> str:
        """A description for people, such as `20 or more events of read within 60 s, for each proc.pid`."""
        window, names = self.window, self.names
        seconds = f"{window.span // 10**9} s"
        what = {
            EVENT_COUNT: f"{window.at_least} or more events of {' or '.join(names)}",
            VALUE_COUNT: f"{window.at_least} or more values of {self.field} in events of {' or '.join(names)}",
            TEMPORAL: f"{' and '.join(names)}, in any order,",
            TEMPORAL_ORDERED: f"{', then '.join(names)},",
        }[window.type]
        by = f", for each {', '.join(self.group_by)}" if self.group_by else ""
        return f"{what} within {seconds}{by}"

    def digest(self) -> str:
        """Return a text that is equal if and only if a state of the one can go on as a state of the other, apart from
        the conditions of its steps."""
        return repr(
            (self.window, [(one.name, one.reads.key, one.reads.value, one.reads.output_values) for one in self.steps])
        )


def step_conditions(info: RuleInfo, item: CorrelationItem, store: Store, fail: Fail) -> list[LocatedText]:
    """Return the condition of each step; after an error, which is reported, not all of them."""
    if "deny" in info.guidance.respond:
        hint = "name another responder; it acts when the last event has happened"
        fail(_mistake("a correlation cannot deny what has happened already", info.context, hint))
    found = []
    for step in item.steps:
        if step.condition is not None:
            found.append(step.condition)
        elif (rule := _named(info, step, store, fail)) is not None and rule.condition.pieces:
            found.append(with_exceptions(rule.condition, rule.all_exceptions))
    return found


def _named(info: RuleInfo, step: StepItem, store: Store, fail: Fail) -> RuleInfo | None:
    found = store.rules.get(step.rule)
    if found is None:
        if not store.excused("rule", step.rule):
            hint = closest(step.rule, store.rules) or "define it in this file or one that is loaded earlier"
            fail(_mistake(f"there is no rule `{step.rule[:80]}` to correlate", step.context, hint))
        return None
    if found.correlation is not None:
        message = f"the rule `{step.rule}` is a correlation itself"
        hint = "name the rules that it is over"
    elif found.source != info.source:
        message = f"the rule `{step.rule}` is of the source `{found.source}`, and this one of `{info.source}`"
        hint = "correlate rules of one source"
    else:
        return found
    fail(_mistake(message, step.context, hint))
    return None


def any_of_texts(texts: Sequence[LocatedText]) -> LocatedText:
    """Return the condition that holds if one of these does."""
    pieces: list[Piece] = []
    for text in texts:
        context = text.pieces[0].context
        pieces += [Piece(" or (" if pieces else "(", context), *text.pieces, Piece(")", context)]
    return LocatedText(tuple(pieces))


def shown_always(item: CorrelationItem) -> tuple[tuple[str, str], ...]:
    """Return the fields that every alert of the correlation carries, as extra fields of its output."""
    return tuple((name, "") for name in FIELDS if name != VALUES or item.type == VALUE_COUNT)


def compiled(
    item: CorrelationItem, steps: Sequence[Checked], fields: FieldRegistry, source: str, output: CompiledOutput,
    shown: Shown, fail: Fail,
) -> Correlation | None:  # fmt: skip
    """Return the correlation; None after an error, which is reported."""
    made = []
    for step, checked in zip(item.steps, steps, strict=True):
        reads = _reads(item, step, fields, source, output, fail)
        if reads is None:
            return None
        made.append(CorrelatedStep(name=step.name, rule=step.rule, checked=checked, reads=reads))
    return Correlation(
        window=Window(type=item.type, span=item.span, steps=len(made), at_least=item.at_least),
        source=source,
        steps=tuple(made),
        group_by=item.group_by,
        field=item.field,
        shown=shown,
    )


def _reads(
    item: CorrelationItem, step: StepItem, fields: FieldRegistry, source: str, output: CompiledOutput, fail: Fail
) -> Reads | None:
    if step.name == CLASS or any(field.name.startswith(f"{step.name}.") for field in fields):
        hint = "give it another one: {name: WORD, rule: NAME}"
        fail(_mistake(f"`{step.name}` is the beginning of fields, and no name for a rule", step.context, hint))
        return None
    key = [item.aliases.get(name, {}).get(step.name, name) for name in item.group_by]
    value = item.aliases.get(item.field, {}).get(step.name, item.field)
    output_values = [name.removeprefix(f"{step.name}.") for name in output.fields if name.startswith(f"{step.name}.")]
    wanted = [*key, *filter(None, [value]), *output_values]
    try:
        read = compile_template("", fields, source, [(name, "") for name in wanted])
    except ConditionError as error:
        hint = error.hint or "`mozu fields` lists those that there are"
        fail(_mistake(f"`{error.origin}` cannot be read of every event: {error.message}", item.context, hint))
        return None
    known = {ref.key for ref in read.template.refs()}
    odd = next((name for name in wanted if name not in known), None)
    if odd is not None:
        hint = "write its name alone, as `proc.pid` or `proc.aname[2]`"
        fail(_mistake(f"`{odd[:80]}` is not one field", item.context, hint))
        return None
    return Reads(read, tuple(key), value, tuple(output_values))


def _mistake(message: str, context: ProblemContext, hint: str) -> RuleProblem:
    return refusing(Code.LOAD_ERR_VALIDATE, message, context, hint=hint)
