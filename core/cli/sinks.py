"""`mozu sinks check`: reports if sinks would accept an alert; `mozu sinks test`: sends a test alert."""

import logging
import socket
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, TypeVar

import click

from mozu.core.api import ChecksDestination, ChecksStart, Context, Kind, Record, Rejected, Retry, Sink, SinkDeclaration
from mozu.core.api.state_directory import state_path
from mozu.core.cli import options
from mozu.core.cli.terminal import safe
from mozu.core.common.thread_pool import WorkerThread
from mozu.core.errors import DeadlineExceeded
from mozu.core.isolation.deadline import deadline, within
from mozu.core.isolation.ends import is_ours
from mozu.core.isolation.isolated import Isolation
from mozu.core.isolation.texts import text_of
from mozu.core.metrics import Metrics
from mozu.core.model.alert import Alert, Severity, Stamp, Template, alert_id
from mozu.core.model.fields import FieldRegistry
from mozu.core.runtime.config import Config, Entry
from mozu.core.runtime.config.log import LogSettings
from mozu.core.runtime.configure import configure
from mozu.core.runtime.daemon_log import set_up
from mozu.core.runtime.format_schema import format_schema
from mozu.core.runtime.loop import run
from mozu.core.runtime.preflight import Start
from mozu.core.runtime.registry import Registry

T = TypeVar("T")

_PRIORITIES: Final = [severity.label.lower() for severity in Severity]
_TIMEOUT: Final = 30.0
"""Seconds in which each call of a sink must have answered."""


@click.group(name="sinks")
def command() -> None:
    """Try the configured sinks."""


@command.command(
    epilog="""\b
Examples:
  mozu sinks check                 which sinks would accept an alert, as far as they can find out
  mozu sinks check siem            only this one
  mozu sinks test siem             send it an alert, which shows

Exit code 1: a sink would not accept an alert."""
)
@click.argument("names", metavar="[NAME]...", nargs=-1)
@options.configuration
@options.verbose
def check(names: tuple[str, ...], path: Path | None, overrides: tuple[str, ...], verbose: bool) -> int:
    """Say of each sink whether it would accept an alert, and send none."""
    return _try_sinks(names, path, overrides, None, verbose=verbose)


@command.command(
    epilog="""\b
Examples:
  mozu sinks test siem                     one alert that says that it is a test
  mozu sinks test pager -l critical        one of this priority: what the receiver makes of it
  mozu sinks test siem archive stdout

The rule is `Test of a sink`. No queue, spool or route has a part in it. Exit code 1: a sink has not accepted it."""
)
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@click.option(
    "-l", "--priority", type=click.Choice(_PRIORITIES), default=Severity.NOTICE.label.lower(), show_default=True,
    help="Of the alert.",
)  # fmt: skip
@options.configuration
@options.verbose
def test(
    names: tuple[str, ...], priority: str, path: Path | None, overrides: tuple[str, ...], verbose: bool
) -> int:
    """Send one alert that says that it is a test to each of these sinks."""
    return _try_sinks(names, path, overrides, list(Severity)[_PRIORITIES.index(priority)], verbose=verbose)


def _try_sinks(
    names: tuple[str, ...], path: Path | None, overrides: tuple[str, ...], send: Severity | None, *, verbose: bool
) -> int:
    """Try the named sinks, or all. `send` is the priority of a test alert; None: none is sent."""
    config, registry = configure(path, overrides)
    known = {entry.id: entry for entry in config.sinks}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise click.UsageError(f"no configured sink is called {unknown[0]!r}; there are {', '.join(known) or 'none'}")
    set_up(LogSettings(level="debug" if verbose else "info"))
    return run(_try_all([known[name] for name in names or known], config, registry, send))


async def _try_all(entries: list[Entry], config: Config, registry: Registry, send: Severity | None) -> int:
    failed = False
    for entry in entries:
        trial = _Trial(entry, config, registry)
        good, text = await trial.result(send)
        failed = failed or not good
        click.echo(f"{safe(entry.id)}: {'ok' if good else 'FAILED'}: {safe(text)}")
    return int(failed)


class _Trial:
    """A trial of one sink, built as for a run, without a spool or a queue; a start's findings on both come first."""

    def __init__(self, entry: Entry, config: Config, registry: Registry) -> None:
        self._entry, self._host = entry, config.host or socket.gethostname()
        self._registry, self._config = registry, config
        self._isolation = Isolation(Kind.SINK.value, entry.id, Metrics())
        ((self._declaration, _),) = registry.declarations(SinkDeclaration, [entry])
        self._worker: WorkerThread | None = None

    async def result(self, send: Severity | None) -> tuple[bool, str]:
        """Return (True if the sink works, explanation)."""
        warnings = _LastWarning()
        log = logging.getLogger(f"mozu.sink.{self._entry.id}")
        log.addHandler(warnings)
        log.propagate = log.isEnabledFor(logging.DEBUG)
        try:
            good, text = await self._tried(log, send)
        except DeadlineExceeded as late:
            return False, str(late)
        except BaseException as error:  # a plugin's code: whatever it raises is the answer
            if is_ours(error):
                raise
            good, text = False, text_of(error)
        finally:
            log.removeHandler(warnings)
            log.propagate = True
        return good, text if good else warnings.last or text

    async def _tried(self, log: logging.Logger, send: Severity | None) -> tuple[bool, str]:
        content_type = self._registry.format(self._entry).content_type
        context = Context(
            id=self._entry.id, log=log, metrics=Metrics(), fields=FieldRegistry(), content_type=content_type,
            schema=format_schema(self._registry, self._entry),
            state_path=state_path(self._config.core.state_dir, Kind.SINK, self._entry.id),
        )  # fmt: skip
        with deadline(self._isolation, "build", _TIMEOUT):
            sink = self._registry.build(self._declaration, self._entry, context)
        why = self._in_the_way(sink)
        if why:
            return False, why
        if self._declaration.blocking:
            self._worker = WorkerThread(f"mozu-check-{self._entry.id}")
        await self._call("start", sink.start)
        try:
            return await (self._looked(sink) if send is None else self._sent(sink, send))
        finally:
            await self._call("stop", sink.stop)
            if self._worker is not None:
                self._worker.close()

    def _in_the_way(self, sink: Sink) -> str:
        start = Start(
            components=[(self._entry.id, sink)],
            sinks=[self._entry],
            state_dir=self._config.core.state_dir,
            files=self._config.files,
        )
        return "; ".join(one.obstacle.reason for one in start.findings(beside_itself=True))

    async def _looked(self, sink: Sink) -> tuple[bool, str]:
        if not isinstance(sink, ChecksDestination):
            if isinstance(sink, ChecksStart):
                return True, "it would accept an alert"
            return True, "its settings are good; `mozu sinks test` shows whether alerts arrive"
        why = await self._call("check", sink.check)
        return why is None, why or "it would accept an alert"

    async def _sent(self, sink: Sink, priority: Severity) -> tuple[bool, str]:
        record = self._record(priority)
        outcomes = await self._call("deliver", lambda: sink.deliver([record]))
        outcome = outcomes[0] if outcomes else None
        if isinstance(outcome, Rejected):
            return False, outcome.reason
        if isinstance(outcome, Retry):
            return False, outcome.reason or "not now; it wants to be asked again later"
        return True, f"the test {record.alert.id} was accepted"

    def _record(self, priority: Severity) -> Record:
        now = time.time_ns()
        alert = Alert(
            rule="Test of a sink",
            priority=priority,
            source="internal",
            time=now,
            template=Template((f"this is a test of the sink {self._entry.id}; nothing has happened",)),
            values={},
            hostname=self._host,
            id=alert_id(now, f"{self._host}/test/{self._entry.id}", "Test of a sink"),
        )
        stamp = Stamp(self._host, self._entry.id, f"test-{now:x}", 1)
        return Record(alert, self._registry.encoder(self._entry, Metrics()).encode(alert, stamp), stamp)

    async def _call(self, method: str, call: Callable[[], Awaitable[T] | T]) -> T:
        return await within(self._isolation, method, _TIMEOUT, lambda: self._made(call))

    async def _made(self, call: Callable[[], Awaitable[T] | T]) -> T:
        result = call() if self._worker is None else await self._worker.run(call)
        return await result if isinstance(result, Awaitable) else result


class _LastWarning(logging.Handler):
    """Remembers the last warning: sinks log their reasons."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.last = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.last = record.getMessage()
