"""Output formats → templates, and the function that reads their values from an event."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any, Final, NoReturn

import msgspec

from mozu.core.language.conditions import tokens
from mozu.core.language.conditions.ast import Call, FieldRef, Operand, Term, bottom_up_term
from mozu.core.language.conditions.generate.emitter import Emitter, Library
from mozu.core.language.conditions.operands import OperandError, Resolver, Typed
from mozu.core.language.conditions.pairs import labelled
from mozu.core.language.conditions.parser import Parser
from mozu.core.language.conditions.problems import ConditionError
from mozu.core.language.conditions.program import depends_on_type, operand_needs
from mozu.core.language.conditions.unparse import unparse_term
from mozu.core.model.alert import Ref, Template
from mozu.core.model.event import Event
from mozu.core.model.fields import FieldRegistry, FieldType, Match

Values = Callable[[Event], dict[str, Any]]
"""Function from an event to its values by the key of each reference."""

MAX_WIDTH: Final = 4096
_NAME: Final = 256
"""Maximum characters of a token that may belong to a field's name."""
_PERCENT: Final = "there is no way to print a percent sign"
_WIDTH: Final = re.compile(r"[0-9]+")


class CompiledOutput(msgspec.Struct, frozen=True, eq=False):
    """A compiled output."""

    template: Template
    values: Values
    needs: Callable[[str | None], frozenset[str]]
    """State dependencies of its fields for events of a type, or of any; fields that the type never has need nothing."""
    fields: tuple[str, ...]
    """Every field as written, with its argument, in order; without the context."""
    context: tuple[str, ...] = ()
    """The fields of the context."""


def compile_template(
    text: str,
    fields: FieldRegistry,
    source: str,
    extra: Sequence[tuple[str, str]] = (),
    context: Sequence[tuple[str, str]] = (),
) -> CompiledOutput:
    """Compile an output and its extra fields: pairs (key, format); with an empty format the key is a field and keeps
    its type. With `context`, pairs (field, label), those are written behind the output, or are among its fields only if
    they have no label; pairs in parentheses at the output's end are treated likewise.

    Raises ConditionError for the first error, with those after it as `further`; `origin` is the key of an extra field,
    `offset` counts in its format.
    """
    resolver = Resolver(fields, source)
    main = _Format(text.removeprefix("*"), resolver, shift=len(text) - len(text.removeprefix("*")))
    operands = dict(main.operands)
    refs = [*_fields_inside(main, operands, resolver)]
    errors = main.errors
    rendered: dict[str, Template] = {}
    for key, form in extra:
        part = _Format(form or f"%{key}", resolver, origin=key, shift=0 if form else -1)
        if form:
            rendered[key] = Template(tuple(part.parts))
            refs.append(Ref(key, FieldType.STRING.value))
        else:
            refs.extend(one for one in part.parts if isinstance(one, Ref))
        operands.update(part.operands)
        errors += part.errors
    if errors:
        errors[0].further = tuple(errors[1:])
        raise errors[0]
    own = tuple(dict.fromkeys(name for operand in operands.values() for name in _names(operand)))
    parts = main.parts
    if context:
        parts = labelled(parts)
        for name, label in context:
            part = _Format(f"%{name}", resolver)
            operands.update(part.operands)
            found = [msgspec.structs.replace(one, label=label) for one in part.parts if isinstance(one, Ref)]
            if label:
                known = {one.key for one in parts if isinstance(one, Ref)}
                parts += [one for one in found if one.key not in known]
            else:
                refs += found
    printed = {part.key for part in parts if isinstance(part, Ref)}
    return CompiledOutput(
        template=Template(tuple(parts), tuple(ref for ref in refs if ref.key not in printed)),
        values=_Reader(operands, rendered, fields, source),
        needs=_Needs(operands.values(), fields, source),
        fields=own,
        context=tuple(name for name, _ in context),
    )


def _fields_inside(main: "_Format", operands: dict[str, Operand], resolver: Resolver) -> Iterator[Ref]:
    """Yield the references for fields inside transformers; `output_fields` has them under their own names."""
    for operand in main.operands.values():
        for ref in _refs(operand) if isinstance(operand, Call) else ():
            key = unparse_term(ref)
            operands[key] = ref
            yield _ref(ref, resolver.typed(ref), 0)


def _refs(operand: Operand) -> list[FieldRef]:
    found: list[FieldRef] = []
    bottom_up_term(operand, lambda term, _: _note(term, found))
    return found


def _note(term: Term, found: list[FieldRef]) -> None:
    if isinstance(term, FieldRef):
        found.append(term)


def _names(operand: Operand) -> list[str]:
    return [unparse_term(ref) for ref in _refs(operand)]


def _ref(operand: Operand, typed: Typed, width: int) -> Ref:
    return Ref(
        key=unparse_term(operand),
        type=typed.type.value,
        format="" if typed.field is None else typed.field.field.format,
        width=width,
        is_list=typed.is_list,
        is_field=isinstance(operand, FieldRef),
        is_time="output_time" in typed.traits,
    )


class _Format:
    """A parsed format string: literal texts and references."""

    def __init__(self, text: str, resolver: Resolver, origin: str = "", shift: int = 0) -> None:
        self._text = text
        self._resolver = resolver
        self._origin = origin
        self._shift = shift
        self._parser = Parser(text)
        self.parts: list[str | Ref] = []
        self.operands: dict[str, Operand] = {}
        self.errors: list[ConditionError] = []
        at = 0
        while (sign := text.find("%", at)) != -1:
            if sign > at:
                self.parts.append(text[at:sign])
            try:
                at = self._token(sign)
            except ConditionError as error:
                self.errors.append(error)
                at = len(text) - len(text[sign:].lstrip("%"))  # `%%` is one error
        if at < len(text):
            self.parts.append(text[at:])

    def _token(self, sign: int) -> int:
        """Read the token whose `%` is at `sign`; return its end."""
        start, width = sign + 1, 0
        if start == len(self._text):
            self._fail("a `%` at the end begins no field", sign, _PERCENT, "syntax")
        digits = _WIDTH.match(self._text, start)
        if digits is not None:
            start = digits.end()
            if len(digits[0]) > 6 or int(digits[0]) > MAX_WIDTH:
                self._fail(f"a value cannot be wider than {MAX_WIDTH} bytes", sign, reason="syntax")
            width = int(digits[0])
        operand, typed, end = self._reference(start)
        ref = _ref(operand, typed, width)
        self.parts.append(ref)
        self.operands[ref.key] = operand
        return end

    def _reference(self, start: int) -> tuple[Operand, Typed, int]:
        """Return the longest reference at a position, with its type and its end."""
        try:
            call = self._parser.call(start)
            if call is not None:
                return call, self._resolver.typed(call), self._parser.pos
        except OperandError as wrong:
            self._fail(wrong.message, wrong.offset, wrong.hint, wrong.reason)
        except ConditionError as wrong_text:
            self._fail(wrong_text.message, wrong_text.offset, wrong_text.hint)
        name = tokens.FIELD.match(self._text, start)
        if name is None:
            self._fail("a `%` must begin a field or a transformer", start - 1, _PERCENT)
        return self._field(start, min(name.end(), start + _NAME))

    def _field(self, start: int, end: int) -> tuple[FieldRef, Typed, int]:
        first: OperandError | None = None
        for stop in range(end, start, -1):
            name = tokens.FIELD.fullmatch(self._text, start, stop)
            if name is None:
                continue
            for argument, after in self._arguments(stop):
                ref = FieldRef(name[0], argument, start)
                try:
                    return ref, self._resolver.typed(ref), after
                except OperandError as wrong:
                    first = first or wrong
        assert first is not None
        raise self._error(first.message, start, first.hint, first.reason)

    def _arguments(self, stop: int) -> Iterator[tuple[str | None, int]]:
        """Yield the argument in brackets at a position, then no argument."""
        if self._text.startswith("[", stop):
            argument = self._parser.argument(stop)
            if argument is not None:
                yield argument, self._parser.pos
        yield None, stop

    def _fail(self, message: str, offset: int, hint: str = "", reason: str = "unknown_field") -> NoReturn:
        raise self._error(message, offset, hint, reason)

    def _error(self, message: str, offset: int, hint: str, reason: str) -> ConditionError:
        place = max(offset + self._shift, 0)
        return ConditionError(self._text, place, message, hint, reason=reason, origin=self._origin)


class _Needs:
    """State dependencies of operands, computed when requested."""

    def __init__(self, operands: Iterable[Operand], fields: FieldRegistry, source: str) -> None:
        self._operands, self._fields, self._source = tuple(operands), fields, source
        self._known: dict[str | None, frozenset[str]] = {}

    def __call__(self, event_type: str | None) -> frozenset[str]:
        if event_type not in self._known:
            of_any_type, others = self._parts
            resolver = Resolver(self._fields, self._source, event_type)
            self._known[event_type] = of_any_type.union(*(operand_needs(one, resolver) for one in others))
        return self._known[event_type]

    @cached_property
    def _parts(self) -> tuple[frozenset[str], Sequence[Operand]]:
        """State dependencies that are the same for every event type, and the operands that may have others."""
        resolver = Resolver(self._fields, self._source)
        others = [one for one in self._operands if depends_on_type(one, resolver)]
        same = (one for one in self._operands if one not in others)
        return frozenset().union(*(operand_needs(one, resolver) for one in same)), others


class _Reader:
    """Reader of all values of an output; it has one generated function per event type."""

    def __init__(
        self, operands: dict[str, Operand], rendered: dict[str, Template], fields: FieldRegistry, source: str
    ) -> None:
        self._operands = operands
        self._rendered = rendered
        self._fields = fields
        self._source = source
        self._functions: dict[str, Values] = {}

    def __call__(self, event: Event) -> dict[str, Any]:
        function = self._functions.get(event.type)
        if function is None:
            function = self._functions[event.type] = self._make(event.type)
        values = function(event)
        for key, template in self._rendered.items():
            values[key] = template.render(values)
        return values

    def _make(self, event_type: str) -> Values:
        library = Library(Resolver(self._fields, self._source, event_type))
        counts: Counter[str] | None = None
        for _ in range(2):
            emitter = Emitter(library, counts)
            ready: set[str] = set()
            pairs = [f"{key!r}: {self._code(operand, emitter, ready)}" for key, operand in self._operands.items()]
            counts = emitter.seen
        return library.define("values", f"def values(e):\n    return {{{', '.join(pairs)}}}\n")

    def _code(self, operand: Operand, emitter: Emitter, ready: set[str]) -> str:
        typed = emitter.typed(operand)
        if not isinstance(operand, FieldRef):
            return emitter.value(operand, ready)
        if "filter_only" in typed.traits:
            known = f"'<IPNET>' if {emitter.value(operand, ready)} is not None else None"
            return f"({known})" if typed.type is FieldType.IPNET and typed.match is Match.ONE else "None"
        if typed.match is not Match.ONE:
            return self._bare(operand, typed, emitter, ready)
        return emitter.value(operand, ready)

    def _bare(self, operand: FieldRef, typed: Typed, emitter: Emitter, ready: set[str]) -> str:
        """Return the code of a field with several values. A field that tests every ancestor prints all of them if they
        are texts,
        else the process's own value; a field that tests all names or all paths prints the value it shows.
        """
        if typed.match in (Match.NAMES, Match.ENDPOINTS):
            return f"{emitter.library.call(emitter.library.resolver.resolve(operand).show)}(e)"
        if typed.type is FieldType.STRING and operand.name != "proc.aenv":
            return f"{emitter.library.call(_spaced)}({emitter.value(operand, ready)})"
        return emitter.value(FieldRef(operand.name, "0"), ready)


def _spaced(values: Sequence[str | None] | None) -> str | None:
    return None if values is None else " ".join(value for value in values if value is not None)
