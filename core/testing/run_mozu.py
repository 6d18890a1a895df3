"""A whole run in a test: configuration and events in, alerts and statistics out."""

import asyncio
import json
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
import yaml

from mozu.core.api import Alert, Event, hookimpl
from mozu.core.api.hookspecs import Brought
from mozu.core.metrics import Metrics
from mozu.core.runtime.config import Config, Problems, read
from mozu.core.runtime.engine import Engine, assemble
from mozu.core.runtime.engine.background_tasks import BackgroundTasks
from mozu.core.runtime.registry import Registry
from mozu.core.testing import virtual_clock
from mozu.core.testing.given_source import GivenSource
from mozu.core.testing.making import temporary_path
from mozu.core.testing.recording_sink import RecordingSink

_EVENTS: Final = "given_events"
_ALERTS: Final = "kept_alerts"
_SECTIONS: Final = ("sources", "enrichers", "evaluators", "sinks")


class MozuRun(msgspec.Struct, frozen=True):
    """The result of a run."""

    alerts: list[Alert]
    """The alerts in order, without mozu's alerts about itself."""
    notices: list[Alert]
    """mozu's alerts about itself: loss, restarts, impaired fields."""
    statistics: Mapping[str, Any]
    """The statistics, as `--stats` writes them (docs/operate/statistics.md)."""
    code: int
    """The exit code of a run: 0, or 1 where a source failed."""

    def rules(self) -> list[str]:
        """The names of the rules that raised the alerts."""
        return [alert.rule for alert in self.alerts]

    def metric(self, name: str, **labels: str) -> float:
        """The sum of a counter or gauge over all instances with these labels."""
        found = (
            item["value"]
            for item in self.statistics["metrics"]
            if item["name"] == name and labels.items() <= item["labels"].items()
        )
        return float(sum(found))


def run_mozu(
    config: Mapping[str, object] | str,
    events: Iterable[Event | Alert] = (),
    *,
    declarations: Sequence[Brought] = (),
    seconds: float = 30.0,
    virtual_time: bool = False,
) -> MozuRun:
    """Run mozu with this configuration, as YAML or as what YAML means; its lists are empty unless it says otherwise,
    and `state_dir` is a temporary directory.

    `events` come from a live source of the kit's beside the configured ones, and reach enrichers and evaluators as they
    are: no state machine changes them. `declarations` are plugins that are not installed, which the configuration may
    name. The run ends when all events have been judged and no other source is configured, when the sources end, or
    after `seconds`. `virtual_time`: its clock jumps where nothing is ready;
    not for components that work on threads or with sockets. Raises what `mozu run` reports: ConfigError, PluginError …
    """
    written: dict[str, object] = yaml.safe_load(config) if isinstance(config, str) else dict(config)
    whole: dict[str, object] = {**{section: [] for section in _SECTIONS}, "state_dir": str(temporary_path("state"))}
    whole |= written
    metrics, kept = Metrics(), RecordingSink()

    def held() -> float:
        return sum(value for name, _, value in metrics.collect() if name == "enrichment_buffer_events")

    registry = Registry()
    registry.add("the kit", _Given([kept.declaration(_ALERTS), *declarations]))
    given, done = list(events), asyncio.Event()
    if given or not whole["sources"]:
        source = GivenSource(given, held, done.set if not whole["sources"] else lambda: None)
        registry.add("events of the test", _Given([source.declaration(_EVENTS)]))
        whole["sources"] = [_EVENTS, *_listed(whole["sources"])]
    whole["sinks"] = [{_ALERTS: {"queue": {"bytes": 1 << 30}}}, *_listed(whole["sinks"])]
    settings, problems = _read(whole)
    registry.check(settings, problems)
    problems.check()
    main = _run(settings, registry, metrics, seconds, done)
    code, statistics = virtual_clock.run(main) if virtual_time else asyncio.run(main)
    alerts = kept.alerts
    return MozuRun(
        [one for one in alerts if one.source != "internal"], [one for one in alerts if one.source == "internal"],
        statistics, code,
    )  # fmt: skip


def _listed(section: object) -> list[object]:
    return section if isinstance(section, list) else [section]


def _read(whole: Mapping[str, object]) -> tuple[Config, Problems]:
    with tempfile.TemporaryDirectory(prefix="mozu-kit-") as folder:
        file = Path(folder, "mozu.yaml")
        file.write_text(json.dumps(whole))
        return read(file)


async def _run(
    config: Config, registry: Registry, metrics: Metrics, seconds: float, done: asyncio.Event
) -> tuple[int, Mapping[str, object]]:
    tasks = BackgroundTasks()
    try:
        engine = Engine(assemble(config, registry, metrics, tasks), metrics, tasks)
        tasks.spawn(_stopped(engine, done), "stop when all events have been given")
        code = await engine.run(duration=seconds, stats=None, attended=False)
        return code, engine.statistics()
    finally:
        tasks.cancel()


async def _stopped(engine: Engine, done: asyncio.Event) -> None:
    await done.wait()
    engine.stop("all events have been given")


class _Given:
    """A plugin of declarations that a test has at hand."""

    def __init__(self, declarations: Sequence[Brought]) -> None:
        self._declarations = declarations

    @hookimpl
    def mozu_components(self) -> Sequence[Brought]:
        """Return the declarations."""
        return self._declarations
