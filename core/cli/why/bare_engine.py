"""An engine without sinks, whose evaluators are passed by the caller."""

import msgspec

from mozu.core.api import Evaluator, Kind, Source
from mozu.core.errors import MozuError
from mozu.core.isolation.isolated import Isolated
from mozu.core.metrics import Metrics
from mozu.core.runtime.config import Config, Problems
from mozu.core.runtime.config.model import CoreSettings
from mozu.core.runtime.engine import Engine, assemble
from mozu.core.runtime.engine.background_tasks import BackgroundTasks
from mozu.core.runtime.registry import Registry


def bare(around: Config, registry: Registry) -> Config:
    """Return a checked configuration without sinks and evaluators."""
    given = around.core
    core = CoreSettings(host=given.host, resolve=given.resolve, redact=given.redact)
    config = msgspec.structs.replace(around, sinks=(), evaluators=(), core=core)
    problems = Problems()
    registry.check(config, problems)
    problems.check()
    return config


class BareEngine:
    """An engine without an evaluator of its own."""

    def __init__(self, config: Config, registry: Registry) -> None:
        self._metrics, self._tasks = Metrics(), BackgroundTasks()
        self.assembly = assemble(config, registry, self._metrics, self._tasks)
        self.source: Source = self.assembly.sources[0].isolated.component
        self._isolated: list[Isolated[Evaluator]] = []
        self._engine: Engine | None = None

    def add(self, name: str, evaluator: Evaluator) -> None:
        """Add an evaluator."""
        self._isolated.append(Isolated(Kind.EVALUATOR.value, name, evaluator, self._metrics))

    def engine(self) -> Engine:
        """Return the engine, the same at each call."""
        if self._engine is None:
            self.assembly.evaluators.extend(self._isolated)
            self._engine = Engine(self.assembly, self._metrics, self._tasks, is_offline=True)
        return self._engine

    def stop(self) -> None:
        """Stop the run: the event is found."""
        self.engine().stop("the event is found")

    async def run(self) -> None:
        """Run. Raises MozuError if an evaluator has failed, and the error that refuses the start."""
        await self.engine().run(duration=None, stats=None, attended=False)
        if any(one.failures.value for one in self._isolated):
            raise MozuError("the rule could not be judged by this event; the log says why")
