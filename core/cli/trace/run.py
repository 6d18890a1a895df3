"""A run of `mozu trace`: the engine around the source ptrace, the rules, and a sink that keeps the alerts."""

import asyncio
import contextlib
import os
import signal
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, Protocol, runtime_checkable

import msgspec
from pydantic import ByteSize

from mozu.core.api import Kind, NamesRules, Record, Sink
from mozu.core.cli import options
from mozu.core.cli.trace.profile import KINDS, Places, Profile
from mozu.core.isolation.isolated import Isolated
from mozu.core.metrics import Metrics
from mozu.core.model.alert import Alert, Severity
from mozu.core.model.value_types import JsonObject
from mozu.core.runtime.config import Config, Entry, Problems, read
from mozu.core.runtime.config.delivery import AlertLimitSettings, QueueSettings
from mozu.core.runtime.config.mark import Mark
from mozu.core.runtime.config.model import CoreSettings
from mozu.core.runtime.config.node import node_of
from mozu.core.runtime.config.recording import RecordSettings as Recorded
from mozu.core.runtime.engine import Engine, assemble
from mozu.core.runtime.engine.background_tasks import BackgroundTasks
from mozu.core.runtime.engine.built import BuiltSink
from mozu.core.runtime.loop import run as run_loop
from mozu.core.runtime.registry import Registry

_HERE: Final = Mark("mozu trace")
_EVERY_ALERT: Final = AlertLimitSettings(own_rate=0.0)
_ROOM: Final = 256 << 20
"""Bytes of alerts that may wait for a moment: the sink only writes a line."""
_FORWARDED: Final = (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
_TERMINAL: Final = (signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP)
"""Signals that the terminal also sends to the command, which decides what to do."""


@runtime_checkable
class Traced(Protocol):
    """The part of a source that a run needs besides events."""

    command_started: bool
    command_status: int | None

    def signal_command(self, number: int) -> None:
        """Forward a signal to the command."""


class Kept:
    """A sink that keeps alerts, and writes them to a descriptor if there is one."""

    def __init__(self, descriptor: int | None) -> None:
        self._descriptor = descriptor
        self.alerts: list[Alert] = []

    def start(self) -> None:
        """Do nothing: there is nothing to prepare."""

    def deliver(self, records: Sequence[Record]) -> None:
        """Write a line for each; a reader that has gone does not end the command."""
        self.alerts.extend(record.alert for record in records)
        if self._descriptor is not None:
            data = b"".join(b"mozu: " + record.body + b"\n" for record in records)
            with contextlib.suppress(BrokenPipeError, BlockingIOError):
                os.write(self._descriptor, data)

    def stop(self) -> None:
        """Do nothing: nothing is buffered."""


class TracePlan(msgspec.Struct, frozen=True):
    """A run of `mozu trace`, before it begins."""

    command: tuple[str, ...]
    rules: tuple[str, ...]
    """Rule files; none: no rules."""
    allowed: Mapping[str, Sequence[str]] | None = None
    learning: bool = False
    deny: bool = False
    """True if calls that rules with the response `deny` match, or that the list does not contain, are refused."""
    show: bool = True
    """Write alerts to stderr."""
    record: Path | None = None
    """File that also receives every event; None: none."""
    path: Path | None = None
    """A configuration whose enrichers, evaluators and plugins take part; its sources and sinks do not."""
    plugins: tuple[str, ...] = ()
    """Entry points to load besides."""


class Result(msgspec.Struct, frozen=True):
    """The outcome of a run."""

    status: int
    """Status of the command, as from wait(2)."""
    started: bool
    began: float
    """Seconds since the epoch."""
    seconds: float
    alerts: tuple[Alert, ...]
    rules: tuple[str, ...]
    profile: Profile | None
    hostname: str


def run(plan: TracePlan) -> Result | None:
    """Run the command to its end; return None if the engine failed. Raises MozuError before anything has begun."""
    registry = Registry()
    config, problems = _config(plan)
    registry.check(config, problems)
    problems.check()
    return run_loop(_run(plan, config, registry))


def _config(plan: TracePlan) -> tuple[Config, Problems]:
    tree, home = os.getcwd(), os.path.expanduser("~")
    source: JsonObject = {"command": list(plan.command), "job_control": os.isatty(0), "deny": plan.deny}
    texts = {"tree": tree.rstrip("/") + "/", "home": home.rstrip("/") + "/", "tmp": _temporary() + "/"}
    rules: JsonObject = {"rules": list(plan.rules), "rule_matching": "all", "static_fields": texts}
    sources = (_entry(Kind.SOURCE, "ptrace", source),)
    if plan.path is not None:
        return _configured(plan, plan.path, sources)
    config = Config(
        sources=sources,
        enrichers=(_entry(Kind.ENRICHER, "users", {}),),
        evaluators=(_entry(Kind.EVALUATOR, "falco", rules),) if plan.rules else (),
        plugins=dict.fromkeys(plan.plugins, _HERE),
        core=CoreSettings(record=Recorded(file=plan.record), alert_limiter=_EVERY_ALERT),
    )
    return config, Problems()


def _configured(plan: TracePlan, path: Path, sources: tuple[Entry, ...]) -> tuple[Config, Problems]:
    """Return the configuration of a file, with the source of a trace and without sinks."""
    config, problems = read(path, options.as_overrides(plan.plugins), rules=plan.rules)
    core = config.core.model_copy(update={"record": Recorded(file=plan.record), "alert_limiter": _EVERY_ALERT})
    no_rules = not plan.rules and (plan.learning or plan.allowed is not None)
    evaluators = () if no_rules else config.evaluators
    return msgspec.structs.replace(config, sources=sources, sinks=(), evaluators=evaluators, core=core), problems


def _temporary() -> str:
    """Return the directory for temporary files, even if it is full or absent now."""
    try:
        return tempfile.gettempdir()
    except FileNotFoundError:
        return "/tmp"


def _entry(kind: Kind, name: str, settings: JsonObject) -> Entry:
    node = node_of(settings, _HERE)
    queue = QueueSettings(bytes=ByteSize(_ROOM))
    return Entry(kind=kind, name=name, id=name, settings=settings, node=node, queue=queue)


def _profile(plan: TracePlan) -> Profile | None:
    if not plan.learning and plan.allowed is None:
        return None
    temporary = ("/tmp", "/var/tmp", "/dev/shm", _temporary())
    return Profile(Places(os.getcwd(), os.path.expanduser("~"), temporary), plan.allowed, deny=plan.deny)


async def _run(plan: TracePlan, config: Config, registry: Registry) -> Result | None:
    metrics, tasks = Metrics(), BackgroundTasks()
    assembly = assemble(config, registry, metrics, tasks)
    kept = Kept(2 if plan.show else None)
    report = Isolated[Sink](Kind.SINK.value, "report", kept, metrics)
    assembly.sinks.append(BuiltSink(_entry(Kind.SINK, "report", {}), report))
    profile = _profile(plan)
    if profile is not None:
        assembly.evaluators.append(Isolated(Kind.EVALUATOR.value, "allow", profile, metrics))
    source = assembly.sources[0].isolated.component
    assert isinstance(source, Traced)
    began, moment = time.time(), time.monotonic()
    with _signals(source):
        code = await Engine(assembly, metrics, tasks).run(duration=None, stats=None, attended=False)
    status = source.command_status
    if code or status is None or any(stage.failures.value for stage in assembly.evaluators):
        return None  # a judge that failed has not seen everything
    evaluators = [stage.component for stage in assembly.evaluators]
    rules = [name for one in evaluators if isinstance(one, NamesRules) for name in one.rule_names()]
    if plan.allowed is not None:
        rules += [name for name, _ in KINDS.values()]
    return Result(
        status, source.command_started, began, time.monotonic() - moment, tuple(kept.alerts), tuple(rules), profile,
        assembly.hostname,
    )  # fmt: skip


@contextlib.contextmanager
def _signals(source: Traced) -> Iterator[None]:
    """Forward signals to the command in a block: mozu ends when the command has ended. Ignored signals stay ignored,
    for the command too."""
    loop = asyncio.get_running_loop()
    taken = [number for number in (*_FORWARDED, *_TERMINAL) if signal.getsignal(number) != signal.SIG_IGN]
    for number in taken:
        if number in _FORWARDED:
            loop.add_signal_handler(number, source.signal_command, number)
        else:
            loop.add_signal_handler(number, _nothing)
    try:
        yield
    finally:
        for number in taken:
            loop.remove_signal_handler(number)


def _nothing() -> None:
    """Ignore the signal: the command decides."""


def worst(alerts: Sequence[Alert]) -> Severity | None:
    """Return the most severe priority among alerts of rules; None if there are none."""
    return min((alert.priority for alert in alerts if alert.source != "internal"), default=None)


def build_rules() -> str:
    """Return the path of the pack of rules for builds and tests."""
    return str(Path(__file__).parents[3] / "plugins" / "rules" / "packs_trace")
