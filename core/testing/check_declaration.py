"""Check a declaration and everything that it declares: settings, fields, and the component it builds."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mozu.core.api import (
    API_VERSION,
    CommandsDeclaration,
    EnricherDeclaration,
    EvaluatorDeclaration,
    Event,
    Field,
    FieldRegistry,
    FieldsDeclaration,
    FormatDeclaration,
    Settings,
    SourceDeclaration,
    Stamp,
)
from mozu.core.api.declarations import AnyComponent, SourceChoiceDeclaration
from mozu.core.api.hookspecs import Brought
from mozu.core.model.fields.builtin import builtin_fields
from mozu.core.model.fields.value_checks import value_fault
from mozu.core.runtime.field_checks import field_fault, with_needs
from mozu.core.runtime.plugin_checks import declaration_fault, extension_fault, version_fault
from mozu.core.testing.broken import expect
from mozu.core.testing.check_enricher import check_enricher
from mozu.core.testing.check_evaluator import check_evaluator
from mozu.core.testing.check_sink import check_sink
from mozu.core.testing.check_source import check_source
from mozu.core.testing.making import alert, context


async def check_declaration(
    declaration: Brought, *, settings: Mapping[str, object] | None = None, events: Sequence[Event] = ()
) -> None:
    """Check what is declared, then the component by the check of its kind, twice: a restart is a new instance.

    `settings` as in the configuration. `events` are what enrichers, evaluators and fields are given. Raises
    BrokenContract with the sentence that does not hold.
    """
    expect(not (fault := version_fault(declaration.api, API_VERSION)), f"{declaration.name}: {fault}")
    expect(declaration.summary.endswith("."), f"{declaration.name}: `summary` SHOULD be a sentence, with its full stop")
    if isinstance(declaration, FieldsDeclaration | FormatDeclaration | CommandsDeclaration):
        expect(not (fault := extension_fault(declaration)), f"{declaration.name}: {fault}")
    else:
        fault = declaration_fault(declaration) or field_fault(declaration.fields, kind=declaration.kind)
        expect(not fault, f"{declaration.name}: {fault}")
    if not isinstance(declaration, FieldsDeclaration | CommandsDeclaration):
        _check_settings(declaration.name, declaration.settings)
    if isinstance(declaration, FormatDeclaration):
        _check_format(declaration, settings or {})
    elif isinstance(declaration, CommandsDeclaration):
        expect(declaration.commands(), f"{declaration.name}: `commands` MUST give at least one command")
    else:
        _check_fields(declaration.fields, events)
        if not isinstance(declaration, FieldsDeclaration | SourceChoiceDeclaration):  # a choice builds nothing itself
            await _check_component(declaration, settings or {}, events)


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
    else:
        await check_sink(make, blocking=declaration.blocking)


def _check_settings(name: str, settings: type[Settings]) -> None:
    for key, field in settings.model_fields.items():
        text = f"{name}: the setting {key} SHOULD have a `description` of one sentence; `mozu plugins` prints it"
        expect((field.description or "").endswith("."), text)


def _check_fields(fields: Iterable[Field], events: Sequence[Event]) -> None:
    for field in fields:
        expect(field.doc, f"the field {field.name} SHOULD have a `doc` of one sentence; `mozu fields` prints it")
        if not field.is_bare or (field.read is None and field.bind is None):
            continue
        for event in events:
            if event.source in field.sources or "*" in field.sources:
                read = field.reads(None, event.type)
                fault = "" if read is None else value_fault(field, read(event))
                expect(not fault, f"the reader of {field.name} MUST give values of its type: {fault}")


def _check_format(declaration: FormatDeclaration, options: Mapping[str, object]) -> None:
    encoder = declaration.build(declaration.settings.model_validate(options))
    for stamp in (None, Stamp("host", "sink", "epoch", 1)):
        for one in (alert(), alert("\udc80\n\x1b", "\ud800\n", **{"proc.name": "\udcff\n\x00"})):
            body = encoder.encode(one, stamp)
            expect(isinstance(body, bytes), f"`encode` MUST give bytes, not {type(body).__name__}")
            expect(not body.endswith(b"\n"), "`encode` MUST NOT end a record with a line end: the sink does")
