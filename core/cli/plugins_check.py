"""`mozu plugins check`: build and start what a plugin brings, and stop it again."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from itertools import filterfalse
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import click

from mozu.core.api import (
    Context,
    Demand,
    Enricher,
    Evaluator,
    Kind,
    Responder,
    Sink,
    Source,
    SourceChoiceDeclaration,
    Stamp,
)
from mozu.core.api.extensions import FormatDeclaration
from mozu.core.api.state_directory import state_path
from mozu.core.cli import options
from mozu.core.cli.known import known_fields
from mozu.core.cli.terminal import safe
from mozu.core.common.thread_pool import WorkerThread
from mozu.core.errors import MozuError, SourceUnavailable
from mozu.core.isolation.ends import is_ours
from mozu.core.isolation.texts import text_of
from mozu.core.metrics import Metrics
from mozu.core.model.alert import Alert, Severity, Template
from mozu.core.model.fields import FieldRegistry
from mozu.core.runtime.builtin_plugins import BUILTINS, is_builtin
from mozu.core.runtime.config import Config, Entry, read
from mozu.core.runtime.config.log import LogSettings
from mozu.core.runtime.config.mark import Mark
from mozu.core.runtime.config.node import node_of
from mozu.core.runtime.daemon_log import set_up
from mozu.core.runtime.plugin_checks import Plugin, built_encoder, default_faults
from mozu.core.runtime.registry import Registry
from mozu.core.runtime.requirements import unmet_requirements

_TIMEOUT: Final = 10.0
"""Seconds in which a component must have started, and stopped."""


@click.command(
    "check",
    epilog="""\b
Examples:
  mozu plugins check acme                 with the settings of the configuration, else with defaults
  mozu plugins check acme -c mozu.yaml

Exit code 1: something that the plugin brings cannot be built, started or stopped.""",
)
@click.argument("name")
@options.configuration
@options.verbose
def check(name: str, path: Path | None, overrides: tuple[str, ...], verbose: bool) -> int:
    """Load a plugin, build what it brings, start each component and stop it again.

    NAME is an entry point, or the name of a built-in plugin. Nothing is watched and no alert is sent.
    """
    set_up(LogSettings(level="debug" if verbose else "warning"))
    config, problems = read(path, overrides)
    problems.check()
    registry = Registry()
    _load(registry, name)
    fields = known_fields(registry)
    requirements = [*_requirements(registry)]
    unmet = [text for _, text in requirements]
    for text in filterfalse(unmet.__contains__, registry.warnings):
        click.echo(f"mozu: warning: {safe(text)}", err=True)
    failed = False
    for what, text in (*requirements, *_results(name, config, registry, fields)):
        failed = failed or bool(text)
        click.echo(f"{safe(what)}: {f'FAILED: {safe(text)}' if text else 'ok'}")
    return int(failed)


def _load(registry: Registry, name: str) -> None:
    for kind, table in BUILTINS.items():
        if name in table:
            registry.plugin(kind, name)
    if name in registry.installed() or not registry.plugins():
        registry.load(name)


def _requirements(registry: Registry) -> Iterator[tuple[str, str]]:
    """Yield (subject, text) for each unmet requirement of third parties' distributions."""
    origins = [*(one.origin for one in registry.plugins()), *(one.origin for one in registry.extensions)]
    for distribution in dict.fromkeys(one.distribution for one in origins if not is_builtin(one.target)):
        for text in unmet_requirements(distribution):
            yield f"requirements of {distribution}", text


def _results(name: str, config: Config, registry: Registry, fields: FieldRegistry) -> Iterator[tuple[str, str]]:
    """Yield (what was tried, why it failed), the second empty for a success."""
    for plugin in registry.plugins():
        if isinstance(plugin.declaration, SourceChoiceDeclaration):
            yield f"{plugin.kind} {plugin.declaration.name}", ""  # it builds nothing: the sources that it names do
            continue
        for text in default_faults(plugin.declaration.settings):
            yield f"settings of {plugin.kind} {plugin.declaration.name}", text
        for entry in _entries(plugin, config):
            what = f"{plugin.kind} {entry.name}" + (f" ({entry.id})" if entry.id != entry.name else "")
            yield what, _tried(lambda plugin=plugin, entry=entry: _try(plugin, entry, registry, fields))  # type: ignore[misc]  # mypy cannot infer lambdas with defaults
    for extension in registry.extensions:
        declaration = extension.declaration
        what = f"{declaration.what} {declaration.name}"
        if isinstance(declaration, FormatDeclaration):
            yield what, _tried(lambda form=declaration: _try_format(form))  # type: ignore[misc]  # as above
        else:
            yield what, ""


def _entries(plugin: Plugin, config: Config) -> list[Entry]:
    """Return the configured instances of a plugin, else one with defaults."""
    name = plugin.declaration.name
    found = [entry for entry in config.of(plugin.kind) if entry.name == name]
    node = node_of({}, Mark("mozu plugins check"))
    return found or [Entry(kind=plugin.kind, name=name, id=name, settings={}, node=node)]


def _tried(call: Callable[[], None]) -> str:
    try:
        call()
    except SourceUnavailable as error:
        click.echo(f"mozu: note: it cannot watch here as it is configured: {safe(text_of(error))}", err=True)
    except MozuError as error:
        return text_of(error)
    except TimeoutError:
        return f"it did not end within {_TIMEOUT:.0f} s"
    except BaseException as error:  # a third party's code, whose failure is the answer
        if is_ours(error):
            raise
        return f"{type(error).__name__}: {text_of(error)}"
    return ""


def _try(plugin: Plugin, entry: Entry, registry: Registry, fields: FieldRegistry) -> None:
    log = logging.getLogger(f"mozu.{plugin.kind}.{entry.id}")
    with TemporaryDirectory(prefix="mozu-check-") as folder:
        state = state_path(Path(folder), plugin.kind, entry.id)
        context = Context(id=entry.id, log=log, metrics=Metrics(), fields=fields, state_path=state)
        asyncio.run(_started(plugin, entry, registry, context))


async def _started(plugin: Plugin, entry: Entry, registry: Registry, context: Context) -> None:
    if isinstance(plugin.declaration, SourceChoiceDeclaration):
        registry.sources(entry)  # what it names is tried under its own name
        return
    component: object = registry.build(plugin.declaration, entry, context)  # type: ignore[misc]  # of any kind
    thread = WorkerThread(f"mozu-{entry.id}") if plugin.declaration.blocking else None

    async def made(call: Callable[[], object]) -> None:
        await _within(call() if thread is None else thread.run(call))

    if isinstance(component, Source) and plugin.kind is Kind.SOURCE:
        source = component
        await made(lambda: source.start(Demand()))
        await made(source.stop)
    elif isinstance(component, Evaluator) and plugin.kind is Kind.EVALUATOR:
        component.demand()
    elif isinstance(component, Enricher | Sink | Responder):
        await made(component.start)
        await made(component.stop)


async def _within(work: object) -> None:
    if isinstance(work, Awaitable):
        async with asyncio.timeout(_TIMEOUT):
            await work


def _try_format(declaration: FormatDeclaration) -> None:
    encoder = built_encoder(declaration, declaration.settings())
    alert = Alert(
        rule="A rule", priority=Severity.NOTICE, source="internal", time=0, template=Template(("a test",)), values={}
    )
    body = encoder.encode(alert, Stamp("host", "sink", "epoch", 1))
    if not isinstance(body, bytes):
        raise MozuError(f"`encode` must give bytes, not {type(body).__name__}")
