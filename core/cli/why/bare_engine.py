"""An engine whose evaluators are given by hand, and which has no sinks."""

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
    """Without sinks and evaluators, checked."""
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
        """One more that sees the events."""
        self._isolated.append(Isolated(Kind.EVALUATOR.value, name, evaluator, self._metrics))

    def engine(self) -> Engine:
        """The same at each call."""
        if self._engine is None:
            self.assembly.evaluators.extend(self._isolated)
            self._engine = Engine(self.assembly, self._metrics, self._tasks, is_offline=True)
        return self._engine

    def stop(self) -> None:
        """Nothing more is asked."""
        self.engine().stop("the event is found")

    async def run(self) -> None:
        """Raises MozuError where an evaluator has failed, and what refuses the start."""
        await self.engine().run(duration=None, stats=None, attended=False)
        if any(one.failures.value for one in self._isolated):
            raise MozuError("the rule could not be judged by this event; the log says why")
