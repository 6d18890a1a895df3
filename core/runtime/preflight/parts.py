"""The parts that a configuration names, each built for a check: without an engine, background tasks or a start."""

import logging
from collections.abc import Sequence
from typing import cast

from mozu.core.api import Context, EvaluatorDeclaration, Kind, ObservesPids, Obstacle, Settings, SinkDeclaration
from mozu.core.api.declarations import AnyDeclaration, ComponentDeclaration
from mozu.core.errors import ConfigError, MozuError
from mozu.core.isolation.ends import is_ours
from mozu.core.isolation.texts import text_of
from mozu.core.metrics import Metrics
from mozu.core.model.fields import FieldRegistry
from mozu.core.runtime.config import Config, Entry
from mozu.core.runtime.format_schema import format_schema
from mozu.core.runtime.preflight.start import Finding, Start
from mozu.core.runtime.registry import Registry
from mozu.core.runtime.unknown_keyword import place_of


def built_parts(config: Config, registry: Registry, fields: FieldRegistry) -> tuple[Start, list[Finding]]:
    """Return what would be started, and why parts of it cannot even be built (each refuses the start)."""
    components: list[tuple[str, object]] = []
    refused: list[Finding] = []
    machine_wide: list[str] = []
    for entry in config.entries():
        subject = f"{entry.kind} {entry.id}"
        try:
            built = _built_of(entry, registry, fields)
        except ConfigError as error:
            refused += [Finding(subject, Obstacle(_without(subject, text), refuses=True)) for text in error.problems]
        except MozuError as error:
            refused.append(Finding(subject, Obstacle(text_of(error), refuses=True)))
        except BaseException as error:  # a plugin's code
            if is_ours(error):
                raise
            text = f"its `build` raised {type(error).__name__}: {text_of(error)}{place_of(error)}"
            refused.append(Finding(subject, Obstacle(text, refuses=True)))
        else:
            components += [(subject, one) for one in built if len(built) == 1]
            if entry.kind is Kind.SOURCE and _is_machine_wide(entry, registry, built):
                machine_wide.append(entry.id)
    core = config.core
    if core.http.listen is not None:
        from mozu.core.runtime.operations.listen_check import ListenCheck

        components.append(("http", ListenCheck(core.http)))
    start = Start(
        components=components,
        sinks=config.sinks,
        sources=[entry.id for entry in config.sources],
        machine_wide=machine_wide,
        record=core.record,
        capture=core.capture,
        state_dir=core.state_dir,
        files=config.files,
    )
    return start, refused


def _built_of(entry: Entry, registry: Registry, fields: FieldRegistry) -> list[object]:
    """Build what an entry names, for a choice among sources each alternative. An obstacle to one of several refuses no
    start: the next one may take its place."""
    alternatives = [one for _, one in registry.sources(entry)] if entry.kind is Kind.SOURCE else [entry]
    return [_built(one, registry, fields) for one in alternatives]


def _is_machine_wide(entry: Entry, registry: Registry, built: Sequence[object]) -> bool:
    """Return True if one of these sources may watch every process of the machine."""
    return any(
        declaration.live and declaration.event_source == "syscall" and not isinstance(one, ObservesPids)
        for (declaration, _), one in zip(registry.sources(entry), built, strict=True)
    )


def _built(entry: Entry, registry: Registry, fields: FieldRegistry) -> object:
    declaration: AnyDeclaration = registry.declaration(entry)
    context = Context(
        id=entry.id,
        log=logging.getLogger(f"mozu.{entry.id}"),
        metrics=Metrics(),
        fields=fields,
        offline=isinstance(declaration, EvaluatorDeclaration),
        content_type=registry.format(entry).content_type if isinstance(declaration, SinkDeclaration) else "",
        schema=format_schema(registry, entry) if isinstance(declaration, SinkDeclaration) else "",
    )
    built: object = registry.build(cast("ComponentDeclaration[Settings, object]", declaration), entry, context)
    return built


def _without(subject: str, text: str) -> str:
    """Return the text without the subject, which a finding has already."""
    return text.removeprefix(f"{subject}: ")
