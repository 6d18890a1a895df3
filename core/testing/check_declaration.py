"""Check a declaration and everything that it declares: settings, fields, and the component it builds."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from mozu.core.api import (
    CommandsDeclaration,
    Encoder,
    EnricherDeclaration,
    EvaluatorDeclaration,
    Event,
    Field,
    FieldRegistry,
    FieldsDeclaration,
    FormatDeclaration,
    ResponderDeclaration,
    Settings,
    SourceDeclaration,
    Stamp,
)
from mozu.core.api.declarations import AnyComponent, SourceChoiceDeclaration
from mozu.core.api.hookspecs import Brought
from mozu.core.model.fields.builtin import builtin_fields
from mozu.core.model.value_types import FieldValue
from mozu.core.runtime.field_checks import field_fault, with_needs
from mozu.core.runtime.plugin_checks import declaration_fault, extension_fault, version_fault
from mozu.core.testing.broken import BrokenContract, BrokenSentences, advise, calling, expect, watched_loop
from mozu.core.testing.check_enricher import check_enricher, check_value
from mozu.core.testing.check_evaluator import check_evaluator
from mozu.core.testing.check_responder import check_responder
from mozu.core.testing.check_sink import check_sink
from mozu.core.testing.check_source import check_source
from mozu.core.testing.making import alert, context

_HOSTILE: Final[Mapping[str, FieldValue]] = {
    "proc.name": "\udcff\n\x00", "fd.sip": b"\x7f\x00\x00\x01", "evt.count": 1, "acme.missing": None,
}  # fmt: skip
"""Values that a format must be able to encode."""


async def check_declaration(
    declaration: Brought, *, settings: Mapping[str, object] | None = None, events: Sequence[Event] = ()
) -> None:
    """Check what is declared, then the component by the check of its kind, twice: a restart is a new instance.

    `settings` as in the configuration. `events` are what enrichers, evaluators and fields are given. Raises
    BrokenContract with the sentences that do not hold, one a line; the component's own check ends with its first. A
    sentence with SHOULD is a warning (`ContractAdvice`).
    """
    findings, name = BrokenSentences(), declaration.name
    findings.expect(not (fault := version_fault(declaration.api)), f"{name}: {fault}")
    is_sentence = isinstance(declaration.summary, str) and declaration.summary.endswith(".")
    advise(is_sentence, f"{name}: `summary` SHOULD be a sentence, with its full stop")
    fault = _fault(declaration)
    findings.expect(not fault, f"{name}: {fault}")
    if not fault:
        await _check_parts(declaration, settings or {}, events, findings)
    findings.check()


def _fault(declaration: Brought) -> str:
    if isinstance(declaration, FieldsDeclaration | FormatDeclaration | CommandsDeclaration):
        return extension_fault(declaration)
    return declaration_fault(declaration) or field_fault(declaration.fields, kind=declaration.kind)


async def _check_parts(
    declaration: Brought, settings: Mapping[str, object], events: Sequence[Event], findings: BrokenSentences
) -> None:
    """Check a declaration that could be loaded."""
    if not isinstance(declaration, FieldsDeclaration | CommandsDeclaration):
        _check_settings(declaration.name, declaration.settings)
    if isinstance(declaration, FormatDeclaration):
        with findings.kept():
            _check_format(declaration, settings)
    elif isinstance(declaration, CommandsDeclaration):
        with findings.kept(), calling("commands"):
            expect(declaration.commands(), f"{declaration.name}: `commands` MUST give at least one command")
    else:
        _check_fields(declaration.fields, events, findings)
        if not isinstance(declaration, FieldsDeclaration | SourceChoiceDeclaration):  # a choice builds nothing itself
            with findings.kept():
                await _check_component(declaration, settings, events)


async def _check_component(
    declaration: AnyComponent,
    settings: Mapping[str, object],
    events: Sequence[Event],
) -> None:
    valid = declaration.settings.model_validate(settings)
    fields = FieldRegistry(builtin_fields())
    fields.add(map(with_needs, declaration.fields))

    def make() -> Any:  # what each kind builds differs
        return declaration.build(valid, context(declaration.name, fields=fields))

    if isinstance(declaration, SourceDeclaration):
        await check_source(
            make, events=declaration.events, event_source=declaration.event_source, blocking=declaration.blocking
        )
    elif isinstance(declaration, EnricherDeclaration):
        await check_enricher(make, events, fields=declaration.fields, blocking=declaration.blocking)
    elif isinstance(declaration, EvaluatorDeclaration):
        await check_evaluator(make, events, blocking=declaration.blocking)
    elif isinstance(declaration, ResponderDeclaration):
        await check_responder(make, blocking=declaration.blocking)
    else:
        await check_sink(make, blocking=declaration.blocking)


def _check_settings(name: str, settings: type[Settings]) -> None:
    for key, field in settings.model_fields.items():
        text = f"{name}: the setting {key} SHOULD have a `description` of one sentence; `mozu plugins` prints it"
        advise((field.description or "").endswith("."), text)


def _check_fields(fields: Iterable[Field], events: Sequence[Event], findings: BrokenSentences) -> None:
    for field in fields:
        text = f"the field {field.name} SHOULD have a `doc` of one sentence; `mozu fields` prints it"
        advise(field.doc, text)
        if field.is_bare and (field.read is not None or field.bind is not None):
            with findings.kept():
                for event in events:
                    if event.source in field.sources or "*" in field.sources:
                        _check_reader(field, event)


def _check_reader(field: Field, event: Event) -> None:
    with calling(f"the reader of {field.name}"):
        read = field.reads(None, event.type)
    if read is not None:
        check_value(field, read, event)


def _check_format(declaration: FormatDeclaration, settings: Mapping[str, object]) -> None:
    options = declaration.settings.model_validate(settings)
    with watched_loop("build"):
        encoder = declaration.build(options)
    expect(isinstance(encoder, Encoder), f"`build` MUST give what has `encode`, not {type(encoder).__name__}")
    for stamp in (None, Stamp("host", "sink", "epoch", 1)):
        for one in (alert(), alert("\udc80\n\x1b", "\ud800\n", **_HOSTILE)):
            with watched_loop("encode"):
                body: object = encoder.encode(one, stamp)
            if type(body) is not bytes:
                raise BrokenContract(f"`encode` MUST give bytes, not {type(body).__name__}")
            expect(b"\n" not in body, "`encode` MUST NOT put a line end into a record: sinks put one after each")
