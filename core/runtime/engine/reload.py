"""Reload: a new configuration comes into force beside the running one, in one step, or is refused whole.

    read       configuration and plugins, as at a start: every mistake is found
    build      the components whose recipe has changed; the others are kept
    compile    rules; those that came out the same stay
    start      new enrichers and sinks, with their queues: they receive nothing yet
    demand     evaluators are swapped and the sources use the new demand; if one cannot, everything is undone
    listen     at another address, if `http` says so
    commit     one step on the event loop: from one alert to the next the new sinks replace the old
    retire     replaced and removed sinks deliver the rest in the background, within the stop deadline

A failure before the commit is an alert, and changes nothing.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Protocol

import msgspec

from mozu.core.api import ChangesSettings, Evaluator, KernelKills, Kind
from mozu.core.common.process_memory import trim
from mozu.core.common.thread_pool import WorkerThread
from mozu.core.errors import ConfigError, MozuError
from mozu.core.filter.demand import Demand, union
from mozu.core.flow.alert_pipeline import AlertPipeline
from mozu.core.flow.evaluation import Evaluation
from mozu.core.flow.heartbeats import Heartbeats
from mozu.core.flow.source_pump import SourcePump
from mozu.core.flow.wanted_enrichers import WantedEnrichers
from mozu.core.isolation.deadline import exceeded, within
from mozu.core.isolation.detached import GivenUp, detached
from mozu.core.isolation.ends import is_ours
from mozu.core.isolation.isolated import Isolated, Isolation
from mozu.core.isolation.texts import text_of
from mozu.core.metrics import Metrics
from mozu.core.model.alert import Severity
from mozu.core.recording import RecordingOutput
from mozu.core.respond.responses import Responses
from mozu.core.runtime.config import Config
from mozu.core.runtime.daemon_log import set_up
from mozu.core.runtime.engine.assembly import Assembler
from mozu.core.runtime.engine.background_tasks import BackgroundTasks
from mozu.core.runtime.engine.built import Assembly
from mozu.core.runtime.engine.changes import describe, fixed_problems
from mozu.core.runtime.engine.file_content import contents_of
from mozu.core.runtime.engine.file_watch import FileWatch
from mozu.core.runtime.engine.host_resolver import HostResolver
from mozu.core.runtime.engine.kernel_kills import kernel_kills
from mozu.core.runtime.engine.lifecycle import Lifecycle
from mozu.core.runtime.engine.operations import ListenerChange, RunOperations
from mozu.core.runtime.engine.recordings import change_recorder, recorded_demand
from mozu.core.runtime.engine.responding import use_kills, use_responders
from mozu.core.runtime.engine.sink_set import SinkChange, SinkSet
from mozu.core.runtime.engine.start_parts import change_of
from mozu.core.runtime.engine.startup import Helper
from mozu.core.runtime.engine.wiring import unredacted
from mozu.core.runtime.preflight import require
from mozu.core.runtime.registry import Registry

_log = logging.getLogger("mozu.engine")

Read = Callable[[], tuple[Config, Registry]]
"""Read the configuration as the command line that started this run would. Raises ConfigError."""


class Rebuild(Protocol):
    """The builder of the assembly that a reload puts in force."""

    @property
    def attempted(self) -> Mapping[Path, bytes]:
        """Files from which the last configuration was read, in force or not, with their content then."""

    async def __call__(self, current: Assembly) -> Assembly:
        """Return an assembly built beside this one; unchanged components are the same objects. Raises MozuError."""


class RunParts(msgspec.Struct):
    """The parts of a run that a reload changes."""

    assembly: Assembly
    alerts: AlertPipeline
    evaluation: Evaluation
    enrichers: WantedEnrichers
    pumps: Sequence[SourcePump]
    demand: Callable[[], Demand]
    sinks: SinkSet
    metrics: Metrics
    tasks: BackgroundTasks
    hosts: HostResolver | None
    heartbeats: Heartbeats | None
    lifecycle: Lifecycle | None
    responses: Responses
    operations: RunOperations


class FileRebuild:
    """A builder that reads files."""

    def __init__(self, read: Read, metrics: Metrics, tasks: BackgroundTasks) -> None:
        self._read, self._metrics, self._tasks = read, metrics, tasks
        self.attempted: dict[Path, bytes] = {}

    async def __call__(self, current: Assembly) -> Assembly:
        """Build what the files now say. Raises MozuError."""
        thread = WorkerThread("mozu-reload")
        try:
            self.attempted = await thread.run(lambda: contents_of(current.watched))  # a change from here on is one
            config, registry = await thread.run(self._read)
            named = {file for entry in config.entries() for file in registry.files_read(entry)}
            named.update(config.files_read())
            self.attempted |= await thread.run(lambda: contents_of(named.difference(self.attempted)))
            problems = fixed_problems(config, registry.settings, current)
            problems.check()
            assembler = Assembler(config, registry, self._metrics, self._tasks, current)
            evaluators = await _compiled(assembler, thread, self._metrics, config.core.start_deadline)
            fresh = assembler.assembly(evaluators)
            require(change_of(fresh, current))
            return fresh
        except ConfigError as error:
            mistakes = await thread.run(lambda: _rule_mistakes(current))
            raise ConfigError([*error.problems, *(one for one in mistakes if one not in error.problems)]) from error
        finally:
            thread.close()


def _rule_mistakes(current: Assembly) -> list[str]:
    """Return the mistakes in the rule files in force: an unusable configuration does not say which files are to replace
    them."""
    found = []
    for evaluator in current.evaluators:
        try:
            evaluator.component.reload()
        except MozuError as error:
            found.append(str(error))
    return found


async def _compiled(
    assembler: Assembler, thread: WorkerThread, metrics: Metrics, seconds: float
) -> list[Isolated[Evaluator]]:
    try:
        return await detached(thread.run(assembler.evaluators), "compile rules", seconds)
    except GivenUp:
        raise exceeded(Isolation(Kind.EVALUATOR.value, assembler.compiling, metrics), "build", seconds) from None


class Reloader:
    """The reloads of one run. `on_end` is called after each attempt, whatever the result."""

    def __init__(
        self, parts: RunParts, build: Rebuild, on_begin: Callable[[], None], on_end: Callable[[], None]
    ) -> None:
        self._parts, self._build, self._on_begin, self._on_end = parts, build, on_begin, on_end
        self._wanted = asyncio.Event()
        self._kills = KernelKills()
        """Rules for the kernel of the reload under way."""
        self._watch = FileWatch(self.request)
        self._done = parts.metrics.counter("reloads_total")
        self._refused = parts.metrics.counter("reloads_refused_total")

    def request(self) -> None:
        """Reload soon: after the reload under way, if there is one."""
        self._wanted.set()

    async def run(self) -> None:
        """Reload on each request until cancelled; a cancelled reload leaves the state before or after a commit."""
        try:
            while True:
                self._watch_files()
                await self._wanted.wait()
                self._wanted.clear()
                self._on_begin()
                await self._reload()
                self._on_end()
                await asyncio.to_thread(trim)  # a reload takes some MiB for a moment, which malloc would keep
        finally:
            self._watch.close()

    def _watch_files(self) -> None:
        """Watch the files of the configuration in force, and those of a refused one, which will be corrected."""
        built = self._parts.assembly
        self._watch.use({**built.watched, **self._build.attempted} if built.config.core.reload.watch else {})

    async def _reload(self) -> None:
        parts = self._parts
        async with AsyncExitStack() as undo:
            undo.callback(parts.metrics.restore_gauges, parts.metrics.gauges())
            try:
                fresh = await self._build(parts.assembly)
                change = await self._prepare(fresh, undo)
                listener = await parts.operations.prepare(fresh.config.core.http)
                undo.push_async_callback(parts.operations.abandon, listener)
                await self._take_demand(fresh, undo)
            except BaseException as error:  # a plugin's code, too: what is in force stays
                if is_ours(error):
                    raise
                self._report_refusal(error)
                return
            undo.pop_all()
            self._commit(fresh, change, listener)

    # --- before the commit

    async def _prepare(self, fresh: Assembly, undo: AsyncExitStack) -> SinkChange:
        for helper in fresh.helpers:
            if helper not in self._parts.assembly.helpers:
                undo.push_async_callback(_stopped, helper, fresh.stop_deadline)
                await _started(helper)
        change = await self._parts.sinks.prepare(fresh.sinks, stop=fresh.stop_deadline)
        undo.push_async_callback(self._parts.sinks.abandon, change, fresh.stop_deadline)
        return change

    async def _take_demand(self, fresh: Assembly, undo: AsyncExitStack) -> None:
        """Let new evaluators judge from here on; on return the sources bring what the evaluators want."""
        parts = self._parts
        before = parts.demand()
        demand = recorded_demand(union(one.component.demand() for one in fresh.evaluators), fresh)
        if parts.hosts is not None and demand.hosts != before.hosts:
            parts.hosts.want(demand.hosts | before.hosts)
            undo.callback(parts.hosts.want, before.hosts)
            await parts.hosts.ready()
        undo.callback(parts.enrichers.update, before)
        parts.enrichers.update(demand)
        undo.callback(parts.evaluation.use, parts.evaluation.use(fresh.evaluators))
        changed = self._change_sources(fresh, undo)
        self._kills = kernel_kills(fresh)
        if self._kills != parts.responses.kernel_kills:
            changed = True
            undo.callback(use_kills, parts.pumps, parts.responses.kernel_kills)
            use_kills(parts.pumps, parts.responses.as_switched(self._kills))
        if demand == before and not changed:
            return
        undo.push_async_callback(self._update, before)
        problem = await self._update(demand)
        if problem:
            raise MozuError(problem)

    def _change_sources(self, fresh: Assembly, undo: AsyncExitStack) -> bool:
        """Apply new settings to sources that can change theirs; returns True if there were any."""
        changed = False
        for built in self._parts.assembly.sources:
            key = Kind.SOURCE, built.isolated.name
            before, after = self._parts.assembly.recipes.get(key), fresh.recipes.get(key)
            component = built.isolated.component
            if before is not None and after is not None and before != after and isinstance(component, ChangesSettings):
                changed = True
                undo.callback(component.change_settings, before.settings)
                component.change_settings(after.settings)
        return changed

    async def _update(self, demand: Demand) -> str:
        """Return why a source cannot watch what is wanted; empty if all can."""
        for pump in self._parts.pumps:
            problem = await pump.update(demand)
            if problem:
                return f"source {pump.name} cannot watch what the rules want now: {problem}"
        return ""

    # --- the commit

    def _commit(self, fresh: Assembly, change: SinkChange, listener: ListenerChange) -> None:
        parts, current = self._parts, self._parts.assembly
        texts = describe(fresh, current)
        parts.alerts.use(change.workers, redact=fresh.redact or unredacted, limiter=fresh.alert_limiter)
        parts.sinks.commit(change, fresh.stop_deadline)
        left = self._change_pipelines(fresh)
        removed = [one for one in current.helpers if one not in fresh.helpers]
        use_responders(parts.responses, fresh, self._kills)
        if fresh.config.core.log != current.config.core.log:
            set_up(fresh.config.core.log)
        close = parts.operations.commit(listener)
        if close is not None:
            parts.tasks.spawn(close(), "close the listener before")
        if parts.hosts is not None:
            parts.hosts.configure(fresh.resolve)
        fields, other_fields = current.fields, fresh.fields is not current.fields
        _retire_absent(current, fresh)
        current.become(fresh)
        current.set_deadlines()
        if other_fields:
            fresh.fields.take_place_of(fields)
            current.assign_lookups()
        if parts.hosts is not None:
            parts.hosts.want(parts.demand().hosts)
        if parts.heartbeats is not None:
            parts.heartbeats.use({one.entry.id: one.entry.heartbeat for one in fresh.sinks})
        self._report(texts)
        if removed or left:
            parts.tasks.spawn(self._retire(removed, left, fresh.stop_deadline), "retire what was replaced")

    def _change_pipelines(self, fresh: Assembly) -> list[RecordingOutput]:
        """Change enrichers, bounds and recordings of the sources; returns the outputs to close."""
        current, left = self._parts.assembly, []
        other_captures = fresh.capture != current.capture
        self._parts.enrichers.use(fresh.key_lookups)
        sources = {built.isolated.name: built for built in fresh.sources}
        for pump in self._parts.pumps:
            pipeline = pump.pipeline
            pipeline.use(fresh.enrichment_buffer, fresh.verdict_memory)
            if other_captures or fresh.fields is not current.fields:
                recorder, outputs = change_recorder(
                    pipeline.recorder, sources[pump.name], pipeline.origin, pipeline.state, fresh, self._parts.metrics,
                    other_captures=other_captures,
                )  # fmt: skip
                pipeline.use_recorder(recorder)
                left += outputs
        return left

    async def _retire(self, helpers: Sequence[Helper], outputs: Sequence[RecordingOutput], seconds: float) -> None:
        for helper in helpers:
            await _stopped(helper, seconds)
            if (helper.kind, helper.name) not in {(one.kind, one.name) for one in self._parts.assembly.helpers}:
                self._parts.metrics.forget_gauges(kind=helper.kind, id=helper.name)
        for output in outputs:
            await asyncio.to_thread(output.close, seconds)
            for text in output.take_problems():
                self._parts.alerts.notice("Recording incomplete", Severity.CRITICAL, text)

    # --- reports

    def _report(self, changes: Sequence[str]) -> None:
        self._done.value += 1
        text = "; ".join(changes) or "nothing has changed"
        _log.info("reloaded: %s", text)
        if self._parts.lifecycle is not None:
            self._parts.lifecycle.reloaded(self._parts.evaluation.rules_digest(), text)

    def _report_refusal(self, refused: BaseException) -> None:
        self._refused.value += 1
        text = "the reload was refused, and everything stays as it was"
        reason = text_of(refused)
        for line in (f"{text}:", *reason.split("\n")):
            _log.error("%s", line)
        _log.debug("traceback", exc_info=refused)
        mistakes = len(refused.problems) if isinstance(refused, ConfigError) else 1
        error = " | ".join(line.strip() for line in reason.split("\n"))  # `json` shows no control as it is
        self._parts.alerts.notice("Reload failed", Severity.ERROR, text, error=error, mistakes=mistakes)


def _retire_absent(before: Assembly, after: Assembly) -> None:
    """Retire absent components that are no longer in use, so that they are not tried again."""
    kept = [*after.helpers, *after.evaluators, *(one.isolated for one in after.sinks)]
    for component in (*before.helpers, *before.evaluators, *(one.isolated for one in before.sinks)):
        component.is_retired = component not in kept


async def _started(helper: Helper) -> None:
    try:
        await within(helper, "start", helper.start_seconds, helper.component.start)
    except MozuError:
        raise
    except BaseException as error:  # a plugin's code: the reload is refused
        if is_ours(error):
            raise
        raise MozuError(f"{helper.kind} {helper.name} cannot start: {helper.described(error)}") from error


async def _stopped(helper: Helper, seconds: float) -> None:
    with helper.contained("stop"):
        await within(helper, "stop", seconds, helper.component.stop)
