"""A run of a scenario through the engine in this process: source, state, rules and encoder, connected as usual."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec
import orjson

from mozu.core.api import Evaluator
from mozu.core.delivery.encode.falco_json import FalcoJson
from mozu.core.delivery.encode.falco_text import FalcoText
from mozu.core.errors import MozuError
from mozu.core.filter.demand import Demand, Interest
from mozu.core.language.rules import Rule
from mozu.core.model.alert import Alert
from mozu.core.model.fields import FieldRegistry
from mozu.core.model.fields.builtin import builtin_fields
from mozu.core.model.fields.lookups import Lookups
from mozu.core.state import StateMachine
from mozu.core.testing import context
from mozu.plugins.rules.falco import mozu_components
from mozu.plugins.rules.falco.evaluator import FalcoEvaluator
from mozu.plugins.sources.replay.metadata import RecordingMetadata
from mozu.plugins.sources.replay.settings import ReplaySettings
from mozu.plugins.sources.replay.source import ReplaySource
from tests.oracle.scenario import Scenario

HOSTNAME = "node-a"
EVERYTHING = Demand({"syscall": {"*": Interest()}})
_QUIET = logging.getLogger("mozu.test.oracle")
_QUIET.setLevel(logging.CRITICAL)
_SWITCHES = {
    "json_include_output_property": "output",
    "json_include_message_property": "message",
    "json_include_tags_property": "tags",
    "json_include_output_fields_property": "output_fields",
    "time_format_iso_8601": "iso_time",
    "buffer_format_base64": "base64_bytes",
}
"""Setting of Falco → switch of the encoder."""


def registry(scenario: Scenario) -> FieldRegistry:
    """Return the core's fields, with the scenario's description of its surroundings."""
    names = Lookups()
    names.hostname = HOSTNAME
    names.hosts = scenario.hosts
    names.base64_bytes = bool(scenario.settings.get("buffer_format_base64"))
    return FieldRegistry((*builtin_fields(names), *mozu_components().fields), names)


def evaluator(scenario: Scenario, fields: FieldRegistry) -> FalcoEvaluator:
    """Return the evaluator with the scenario's rules. Raises RulesError."""
    declaration = mozu_components()
    additions = scenario.settings.get("append_output")
    if additions is None and scenario.suggested_output:
        additions = [{"suggested_output": True}]
    settings = declaration.settings.model_validate(
        {
            "rules": [str(path) for path in scenario.rules],
            "rule_matching": scenario.settings.get("rule_matching", "all"),
            "priority": scenario.settings.get("priority", "debug"),
            "append_output": additions or [],
            "selection": scenario.settings.get("rules", []),
            "static_fields": scenario.settings.get("static_fields", {}),
        }
    )
    return FalcoEvaluator(settings, _in(fields))


class Run(msgspec.Struct):
    """Results of a run."""

    alerts: list[Alert]
    rules: Sequence[Rule] = ()
    error: str = ""
    """Error that ended the run; empty if there was none."""
    lists_users: bool = False
    """True if the recording lists its users."""


Judge = Callable[[ReplaySource, Evaluator, Demand, list[Alert]], Awaitable[None]]
"""Coroutine that lets the rules judge the source's events under this demand, and adds the alerts to the list."""


def run(scenario: Scenario, *, everything: bool = False, by: Judge | None = None) -> Run:
    """Judge the capture by the rules. `everything`: the source leaves out no event, wanted or not."""
    fields = registry(scenario)
    source, metadata = capture_of(scenario, fields)
    done = Run([])
    try:
        rules = evaluator(scenario, fields)
        done.rules = rules.rules
        asyncio.run(_all((by or judged)(source, rules, EVERYTHING if everything else rules.demand(), done.alerts)))
    except MozuError as error:
        done.error = str(error) or type(error).__name__
    done.lists_users = bool(metadata.user_table.users)
    return done


def capture_of(
    scenario: Scenario, fields: FieldRegistry, metadata: RecordingMetadata | None = None
) -> tuple[ReplaySource, RecordingMetadata]:
    """Return the source of the capture's events and its metadata, and make the fields read its users and containers. If
    the metadata is passed in, the fields read them already.
    """
    found = RecordingMetadata(fields.lookups) if metadata is None else metadata
    source = ReplaySource(ReplaySettings(files=[scenario.capture]), _in(fields), found)
    for name, make in () if metadata is not None else source.readers().items():
        fields.provide(name, make)
    return source, found


async def _all(judging: Awaitable[None]) -> None:
    await judging


async def judged(source: ReplaySource, rules: Evaluator, demand: Demand, alerts: list[Alert]) -> None:
    """Judge the source's events with nothing between the stages, and add the alerts to `alerts`."""
    state = StateMachine(procfs=None)
    await source.start(demand)
    async for batch in source.batches():
        events = state.apply(batch)
        alerts.extend(rules.evaluate(events))
        if events:
            state.prune(events[-1].num)


def as_json(scenario: Scenario, alerts: list[Alert]) -> list[dict[str, Any]]:
    """Return the alerts as Falco would have written them in JSON."""
    switches = {mine: scenario.settings[theirs] for theirs, mine in _SWITCHES.items() if theirs in scenario.settings}
    encoder = FalcoJson(**switches)
    return [orjson.loads(encoder.encode(alert)) for alert in alerts]


def as_text(scenario: Scenario, alerts: list[Alert]) -> str:
    """Return the alerts as text lines."""
    encoder = FalcoText(iso_time=scenario.settings.get("time_format_iso_8601", False))
    return "".join(encoder.encode(alert).decode() + "\n" for alert in alerts)


def _in(fields: FieldRegistry) -> Any:
    made = context("oracle", offline=True)
    made.fields, made.log = fields, _QUIET
    return made
