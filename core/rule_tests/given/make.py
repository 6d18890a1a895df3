"""Construction of an event from fields as a test writes them, or every reason why no such event can exist."""

import contextlib
import re
from collections.abc import Iterator
from typing import Final, cast

from mozu.core.filter.comparison import FieldRef
from mozu.core.language.conditions.operands import OperandError, Resolver
from mozu.core.language.rules.suggest import closest
from mozu.core.model.event import Event
from mozu.core.model.fields import FieldRegistry, Match
from mozu.core.model.fields.field import Resolved, never
from mozu.core.model.fields.possible import check_descriptor, check_value
from mozu.core.model.syscalls import event_type, event_types
from mozu.core.model.value_types import FieldValue
from mozu.core.rule_tests.document import Fields, GivenValue
from mozu.core.rule_tests.given.builder import EventBuilder
from mozu.core.rule_tests.given.fields import can_have, follows
from mozu.core.rule_tests.given.parameters import parameter
from mozu.core.rule_tests.given.parts import GivenEvent, Key
from mozu.core.rule_tests.given.values import value_of
from mozu.core.rule_tests.shown import shown

_TYPE: Final = "evt.type"
_NAME: Final = re.compile(r"(?P<name>[^\[\]]+)(?:\[(?P<argument>.*)\])?", re.DOTALL)
_SYSCALL: Final = "syscall"
_NO_FIELD: Final = "if it is part of a value that holds a comma, put that value in quotes"
_UNSETTLED: Final = (
    "evt.arg", "evt.info", "evt.deltatime", "evt.reltime", "util.cnt", "proc.args", "proc.cmdnargs", "proc.cmdlenargs",
)  # fmt: skip
"""Fields that do not follow from others: texts of parameters, whose names are looked up; values that count from an
earlier event; values that depend on where one argument of a program ends and the next begins, which a line of text does
not show."""


class ImpossibleEvent(Exception):
    """The reasons why an event cannot exist: pairs (offset in the file, sentence)."""

    def __init__(self, reasons: list[tuple[int, str]]) -> None:
        super().__init__("; ".join(text for _, text in reasons))
        self.reasons = reasons


def make_event(fields: FieldRegistry, source: str, defaults: Fields, given: Fields, offset: int) -> Event:
    """Return the event of these fields. `defaults` apply if events of the type can have them. Raises
    ImpossibleEvent."""
    maker = _Maker(fields, source, _type(fields, source, {**defaults, **given}, offset), offset)
    for text, value in defaults.items():
        if text not in given and text != _TYPE:
            maker.add(text, value, is_default=True)
    for text, value in given.items():
        if text != _TYPE:
            maker.add(text, value)
    event = maker.builder.event()
    maker.reasons += maker.contradictions(event)
    if maker.reasons:
        raise ImpossibleEvent(maker.reasons)
    return cast("Event", event)  # which readers take it for


def field_reference(text: str, offset: int = 0) -> FieldRef:
    """Return the field and the argument of `proc.aname[2]`."""
    found = _NAME.fullmatch(text)
    if found is None:
        return FieldRef(text, None, offset)
    argument = found["argument"]
    if argument is not None and len(argument) > 1 and argument[0] == argument[-1] and argument[0] in "\"'":
        argument = argument[1:-1]
    return FieldRef(found["name"], argument, offset)


def _type(fields: FieldRegistry, source: str, given: Fields, offset: int) -> str:
    value = given.get(_TYPE)
    if value is None or not isinstance(value.form, str):
        if source != _SYSCALL and value is None:
            return ""
        at = offset if value is None else value.offset
        raise ImpossibleEvent([(at, "an event has one evt.type, such as evt.type: openat")])
    name = value.form
    known = event_types() if source == _SYSCALL else fields.event_types(source)
    if name not in known and (source == _SYSCALL or known):
        hint = closest(name, known) or "`mozu fields evt.type` has more about types"
        raise ImpossibleEvent([(value.offset, f"there is no event type `{name[:60]}` in the source {source}; {hint}")])
    return name


class _Maker:
    def __init__(self, fields: FieldRegistry, source: str, type_: str, offset: int) -> None:
        self._resolver = Resolver(fields, source, type_)
        self._offset = offset
        self._defaults: set[Key] = set()
        self._fields: dict[Key, tuple[Resolved, GivenValue]] = {}
        self.builder = EventBuilder(source, type_)
        self.reasons: list[tuple[int, str]] = []

    def add(self, text: str, value: GivenValue, *, is_default: bool = False) -> None:
        """Take one field; a mistake is added to the reasons."""
        try:
            field = self._resolver.resolve(field_reference(text))
        except OperandError as wrong:
            hint = wrong.hint or ("" if "." in text else _NO_FIELD)
            self.reasons.append((value.offset, f"{wrong.message}{f'; {hint}' if hint else ''}"))
            return
        type_ = self.builder.type
        if not can_have(field.field, field.argument, type_):
            if not is_default:
                self.reasons.append((value.offset, _impossible(field, type_)))
            return
        key = field.field.name, field.argument
        if key in self._fields:
            self.reasons.append((value.offset, f"{field.text} is given twice; leave one of them out"))
            return
        self._fields[key] = field, value
        if is_default:
            self._defaults.add(key)
        try:
            form = list(value.form) if isinstance(value.form, tuple) else value.form
            self.builder.take(key, None if form is None else self._possible(field, form))
        except ValueError as wrong_value:
            del self._fields[key]
            self.builder.values.pop(key, None)
            if not (is_default and _fits_elsewhere(field, value)):
                self.reasons.append((value.offset, str(wrong_value)))

    def _possible(self, field: Resolved, form: str | list[str]) -> FieldValue:
        """Return the value. Raises ValueError if no event of the type can have it."""
        value = value_of(field, form)
        check_value(field.field.name, value)
        if self.builder.declared is not None:
            check_descriptor(self.builder.declared, field.field.name, value)
        return value

    def contradictions(self, event: GivenEvent) -> Iterator[tuple[int, str]]:
        """Yield values that contradict others."""
        for key, (field, value) in self._fields.items():
            given = event.values.get(key)
            if given is None or field.read is never or not _is_settled(field):
                continue
            other = follows(field.read, event)
            if other is not None and other != given:
                is_default = key in self._defaults
                wrong = f"{field.text} cannot be `{value.shown}`{', as `given` says' if is_default else ''}"
                remedy = "give it here too, or as ~" if is_default else "change it, or leave it out"
                text = f"{wrong}: by the other fields it is {shown(other, field.type)}; {remedy}"
                yield self._offset if is_default else value.offset, text


def _is_settled(field: Resolved) -> bool:
    """Return True if the event determines the field completely. Names come from enrichers, for parameters too."""
    looked_up = field.match is Match.NAMES or any(need.startswith("enricher:") for need in field.needs)
    return not looked_up and not field.field.name.startswith(_UNSETTLED)


def _fits_elsewhere(field: Resolved, value: GivenValue) -> bool:
    """Return True if a value for parameters is wrong only for this type: `flags` of openat and of execve."""
    if field.field.name != "evt.arg" or not isinstance(value.form, str):
        return False
    for declared in event_types().values():
        for param in declared.params:
            with contextlib.suppress(ValueError):
                if param.name == field.argument and parameter(param, value.form, is_raw=False) is not None:
                    return True
    return False


def _impossible(field: Resolved, type_: str) -> str:
    """Return why events of a type never have a field, with the parameters that they do have."""
    if field.field.name not in ("evt.arg", "evt.rawarg"):
        return f"events of type {type_} never have {field.text}; leave it out, or test another evt.type"
    declared = event_type(type_)
    names = "" if declared is None else ", ".join(param.name for param in declared.params)
    return f"events of type {type_} have no parameter {field.argument}; they have {names or 'none'}"
