"""The engine: from a configuration to a running pipeline to a clean stop; the only package that knows all others."""

import os
import signal
from pathlib import Path

from mozu.core.common.descriptors import raise_limit
from mozu.core.metrics import Metrics
from mozu.core.runtime.config import Config
from mozu.core.runtime.engine.assembly import assemble
from mozu.core.runtime.engine.background_tasks import BackgroundTasks
from mozu.core.runtime.engine.engine import Engine
from mozu.core.runtime.engine.reload import FileRebuild, Read
from mozu.core.runtime.loop import run as run_loop
from mozu.core.runtime.registry import Registry
from mozu.core.runtime.service_manager import ServiceManager

__all__ = ["Engine", "assemble", "run"]


def run(
    config: Config,
    registry: Registry,
    *,
    duration: float | None = None,
    stats: Path | None = None,
    announces: bool = False,
    read: Read | None = None,
) -> int:
    """Run until the sources end, a signal arrives or `duration` seconds have passed; returns the exit code.

    `announces`: start, end and heartbeats of the run are alerts, which suits a monitoring run, not the replay of a
    recording. `read` reads the configuration again for a reload; without it there is none. Raises ConfigError,
    PluginError, RulesError and SourceUnavailable before anything has begun.
    """
    raise_limit()
    return run_loop(_main(config, registry, duration, stats, announces, read))


async def _main(
    config: Config, registry: Registry, duration: float | None, stats: Path | None, announces: bool, read: Read | None
) -> int:
    metrics, tasks = Metrics(), BackgroundTasks()
    # Ctrl-C ends a `build` that hangs; the runner's own handler would wait for it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        rebuild = None if read is None else FileRebuild(read, metrics, tasks)
        assembly = assemble(config, registry, metrics, tasks)
        manager = ServiceManager.of(os.environ) if announces else None
        engine = Engine(
            assembly, metrics, tasks, announces=announces, rebuild=rebuild, manager=manager, is_offline=not announces
        )
        return await engine.run(duration=duration, stats=stats)
    finally:
        tasks.cancel()
