"""Runs of an act under a source, or of a recording, through a whole engine, so that events are those of a run."""

import asyncio
import contextlib
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, Protocol, runtime_checkable

from mozu.core.api import Event, Kind
from mozu.core.errors import MozuError, SourceUnavailable
from mozu.core.isolation.isolated import Isolated
from mozu.core.metrics import Metrics
from mozu.core.model.value_types import JsonObject
from mozu.core.rule_tests.coverage import Coverage
from mozu.core.rule_tests.document import RuleTest
from mozu.core.rule_tests.expectation import named_rules
from mozu.core.rule_tests.judged import JudgedRules
from mozu.core.rule_tests.watched_command import WatchedCommand
from mozu.core.rule_tests.watching import Observed, Watching
from mozu.core.runtime.config import Config, Entry, Problems
from mozu.core.runtime.config.delivery import QueueSettings
from mozu.core.runtime.config.mark import Mark
from mozu.core.runtime.config.node import node_of
from mozu.core.runtime.engine import Engine, assemble
from mozu.core.runtime.engine.background_tasks import BackgroundTasks
from mozu.core.runtime.loop import run as run_loop
from mozu.core.runtime.preflight import StartRefused
from mozu.core.runtime.registry import Registry

SECONDS: Final = 60.0
"""Seconds that an act or a recording may take."""
_HERE: Final = Mark("mozu test")
_TAIL: Final = 300
"""Characters that are kept of the end of a command's output."""


class Skipped(Exception):
    """The failure to run a test on this machine; the text says why."""


@runtime_checkable
class RunsCommand(Protocol):
    """A source that starts the command itself."""

    command_started: bool


class LiveRun:
    """The runner of acts and recordings. `registry` returns the plugins of one engine."""

    def __init__(self, registry: Callable[[], Registry]) -> None:
        self._registry = registry

    def run(self, test: RuleTest, paths: Sequence[str], under: str, coverage: Coverage) -> Observed:
        """Run a test with the rules of `paths`. Raises Skipped and MozuError."""
        if test.recording is not None:
            if not test.recording.exists():
                raise MozuError(f"the recording {test.recording} does not exist")
            return self._judged(_Recording(test.recording), test, paths, coverage)
        assert test.act is not None
        act = (_Traced if (test.act.under or under) == "ptrace" else _Watched)(test.act.command)
        return self._judged(act, test, paths, coverage)

    def _judged(self, scene: "_Scene", test: RuleTest, paths: Sequence[str], coverage: Coverage) -> Observed:
        registry, problems = self._registry(), Problems()
        config = Config(sources=(scene.source(),), enrichers=scene.enrichers(), evaluators=(), sinks=())
        registry.check(config, problems)
        problems.check()
        return run_loop(_run(scene, config, registry, test, paths, coverage))


class _Scene:
    """The origin of the events of a test; as a text, its name."""

    def source(self) -> Entry:
        """Return the one source."""
        raise NotImplementedError  # abstract: each kind has its own

    def enrichers(self) -> tuple[Entry, ...]:
        """Return the same enrichers as `mozu trace`."""
        return (_entry(Kind.ENRICHER, "users", {}),)

    @contextlib.contextmanager
    def surroundings(self) -> Iterator[None]:
        """Enclose the run of the engine."""
        yield

    async def play(self, engine: Engine) -> None:
        """Act once the source sees events."""

    def belongs(self, event: Event) -> bool:
        """Return True if an event belongs to this test."""
        return True

    def check(self, source: object) -> None:
        """Raise MozuError if the act or recording did not end as it should."""


class _Recording(_Scene):
    def __init__(self, file: Path) -> None:
        self._file = file

    def __str__(self) -> str:
        return f"the recording {self._file}"

    def source(self) -> Entry:
        return _entry(Kind.SOURCE, "replay", {"files": [str(self._file)]})

    def enrichers(self) -> tuple[Entry, ...]:
        return ()


class _Act(_Scene):
    """A command in an empty directory; its output is kept in case the command fails."""

    def __init__(self, command: Sequence[str]) -> None:
        self.command = list(command)
        self._output = tempfile.TemporaryFile()  # noqa: SIM115  closed by `surroundings`

    def __str__(self) -> str:
        return f"`{' '.join(self.command)}`"

    @contextlib.contextmanager
    def surroundings(self) -> Iterator[None]:
        before = os.getcwd()
        with tempfile.TemporaryDirectory(prefix="mozu-test-") as folder, self._output:
            os.chdir(folder)
            try:
                with _redirected(self._output.fileno()):
                    yield
            finally:
                os.chdir(before)

    def last_words(self) -> str:
        """Return the end of the command's output."""
        self._output.seek(0)
        text = self._output.read().decode(errors="replace").strip()
        return f": {text[-_TAIL:]}" if text else ""


class _Traced(_Act):
    """A command under ptrace."""

    def source(self) -> Entry:
        return _entry(Kind.SOURCE, "ptrace", {"command": [*self.command]})

    def check(self, source: object) -> None:
        assert isinstance(source, RunsCommand)
        if not source.command_started:
            raise MozuError(f"{self} could not be run{self.last_words()}")


class _Watched(_Act):
    """A command beside eBPF programs, which see the whole machine."""

    def __init__(self, command: Sequence[str]) -> None:
        super().__init__(command)
        self._watched = WatchedCommand(command, stdin=subprocess.DEVNULL)

    def source(self) -> Entry:
        return _entry(Kind.SOURCE, "ebpf", {})

    @contextlib.contextmanager
    def surroundings(self) -> Iterator[None]:
        with super().surroundings():
            try:
                yield
            finally:
                self._watched.end()

    async def play(self, engine: Engine) -> None:
        await engine.started.wait()
        await asyncio.to_thread(self._watched.run)
        engine.stop("the command has ended")

    def belongs(self, event: Event) -> bool:
        return self._watched.belongs(event)

    def check(self, source: object) -> None:
        if self._watched.failure:
            raise MozuError(f"{self} could not be run: {self._watched.failure}")


async def _run(
    scene: _Scene, config: Config, registry: Registry, test: RuleTest, paths: Sequence[str], coverage: Coverage
) -> Observed:
    metrics, tasks = Metrics(), BackgroundTasks()
    try:
        assembly = assemble(config, registry, metrics, tasks)
        judged = JudgedRules(paths, assembly.fields)
        watching = Watching(judged, named_rules(test, judged), scene.belongs, coverage)
        evaluator = Isolated(Kind.EVALUATOR.value, "tests", watching, metrics)
        assembly.evaluators.append(evaluator)
        source = assembly.sources[0].isolated
        engine = Engine(assembly, metrics, tasks)
        tasks.spawn(scene.play(engine), "play the act of a test")
        with scene.surroundings():
            began = time.monotonic()
            code = await engine.run(duration=SECONDS, stats=None, attended=False)
            if time.monotonic() - began >= SECONDS:
                raise MozuError(f"{scene} did not end within {SECONDS:g} s")
            scene.check(source.component)
    except (SourceUnavailable, StartRefused) as error:
        raise Skipped(str(error)) from error
    finally:
        tasks.cancel()
    if code or evaluator.failures.value:
        raise MozuError("the run failed; what it logged says why")
    return watching.observed


def _entry(kind: Kind, name: str, settings: JsonObject) -> Entry:
    return Entry(kind=kind, name=name, id=name, settings=settings, node=node_of(settings, _HERE), queue=QueueSettings())


@contextlib.contextmanager
def _redirected(output: int) -> Iterator[None]:
    """Redirect the standard descriptors of this process, which a command inherits: no input, and the output into a
    file."""
    kept = [os.dup(number) for number in (0, 1, 2)]
    try:
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        os.dup2(output, 1)
        os.dup2(output, 2)
        yield
    finally:
        for number, one in enumerate(kept):
            os.dup2(one, number)
            os.close(one)
