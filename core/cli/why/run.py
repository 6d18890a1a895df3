"""A run of the engine around an evaluator that explains: events of recordings, or of a command that is traced."""

import asyncio
import logging
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final
from uuid import UUID

import msgspec

from mozu.core.api import Event, HasOrigin, Kind
from mozu.core.cli.pushdown import demand_of
from mozu.core.cli.rules_in_force import RulesInForce, rules_in_force
from mozu.core.cli.why.bare_engine import BareEngine, bare
from mozu.core.cli.why.evaluator import Asked, ExplainingEvaluator, Explanations
from mozu.core.cli.why.side_run import Arrivals, arrived
from mozu.core.cli.why.unasked import Unaskeds, discarded_live
from mozu.core.errors import MozuError
from mozu.core.language.rules import Rule
from mozu.core.model.fields import FieldRegistry
from mozu.core.model.value_types import JsonObject
from mozu.core.rule_tests.watched_command import WatchedCommand
from mozu.core.runtime.config import Config, Entry
from mozu.core.runtime.config.mark import Mark
from mozu.core.runtime.config.node import node_of
from mozu.core.runtime.config.suggest import suggestion
from mozu.core.runtime.engine.wiring import unredacted
from mozu.core.runtime.loop import run as run_loop
from mozu.core.runtime.registry import Registry

_log = logging.getLogger("mozu.why")

_RING_SIZE: Final = 128 << 20
"""Bytes of the ring of a run that reads every call of the machine, for as long as the command lasts."""
_HERE: Final = Mark("mozu why")
_CAPTURE: Final = re.compile(r"_(\d{20})_\d{20}\.jsonl\.gz")


class Question(msgspec.Struct, frozen=True):
    """The arguments of `mozu why`."""

    rule: str = ""
    """Name of the rule; empty: the rule that raised the alert."""
    file: Path | None = None
    """A recording."""
    number: int | None = None
    alert: UUID | None = None
    command: tuple[str, ...] = ()
    under: str = "ptrace"
    """Source for the command; with `ebpf` a run with the rules in force is beside it."""


def answer(question: Question, config: Config, registry: Registry) -> Explanations:
    """Explain the event. Raises MozuError if there is none, or no such rule."""
    if question.command:
        return (_watched if question.under == "ebpf" else _traced)(question, config, registry)
    if question.file is not None:
        return _recorded(question, question.file, config, registry)
    for file in made_recordings(config, question.alert):
        found = _recorded(question, file, config, registry)
        if found.explanations:
            return found
    return Explanations()


def nothing(question: Question, found: Explanations, config: Config) -> str:
    """Return the message for the case that no event was found."""
    if question.command:
        return f"{question.command[-1]!r} has done nothing that rules see" if not found.seen else (
            f"of the {found.seen:,} events of {question.command[-1]!r} none is of a type that the rule can match"
        )  # fmt: skip
    if question.alert is not None:
        where = question.file or ", ".join(map(str, made_recordings(config, question.alert))) or (
            "the recordings of the configuration, of which there are none: name one with --event FILE"
        )  # fmt: skip
        return (
            f"no event of the alert {question.alert} is in {where}; an id is made of the event, the recording's origin "
            "and the rule's name, so the rules must have the rule that raised it, under the name it had"
        )
    if not found.seen:
        return f"{question.file} has no events that rules see"
    if question.number is None:
        return f"of the {found.seen:,} events of {question.file} none is of a type that the rule can match"
    return (
        f"{question.file} has no event {question.number} that rules see (the first is {found.first}, the last "
        f"{found.last}; numbers between belong to events that only the state needs)"
    )


def made_recordings(config: Config, alert: UUID | None) -> list[Path]:
    """Return the recordings that a run with this configuration makes and that may contain an alert: captures around
    alerts, the nearest one first, then the parts of continuous recordings."""
    capture, record = config.core.capture, config.core.record
    moment = 0 if alert is None else alert.int >> 80
    captures: list[tuple[int, Path]] = []
    for path in _beside(capture.path_prefix, "_"):
        matched = _CAPTURE.search(path.name)
        if matched is not None and int(matched[1]) // 1_000_000 <= moment:
            captures.append((int(matched[1]), path))
    whole: list[Path] = []
    if record.file is not None:
        stem, _, rest = record.file.name.partition(".")
        whole = [path for path in _beside(record.file.with_name(stem), "") if path.name.endswith(rest)]
    return [path for _, path in sorted(captures, reverse=True)] + whole


def _beside(prefix: Path, mark: str) -> list[Path]:
    try:
        return sorted(path for path in prefix.parent.iterdir() if path.name.startswith(prefix.name + mark))
    except OSError:
        return []


def _recorded(question: Question, file: Path, config: Config, registry: Registry) -> Explanations:
    source = _entry("replay", {"files": [str(file)]})
    return _run(question, msgspec.structs.replace(config, sources=(source,), enrichers=()), config, registry)


def _traced(question: Question, config: Config, registry: Registry) -> Explanations:
    source = _entry("ptrace", {"command": list(question.command), "job_control": os.isatty(0)})
    return _run(question, msgspec.structs.replace(config, sources=(source,)), config, registry)


def _entry(name: str, settings: JsonObject) -> Entry:
    return Entry(kind=Kind.SOURCE, name=name, id=name, settings=settings, node=node_of(settings, _HERE))


def _watched(question: Question, config: Config, registry: Registry) -> Explanations:
    whole = msgspec.structs.replace(config, sources=(_entry("ebpf", {"ring_size": _RING_SIZE}),))
    own = next((entry for entry in config.sources if entry.name == "ebpf"), _entry("ebpf", {}))
    filtered = msgspec.structs.replace(config, sources=(own,), enrichers=())
    return run_loop(_side_by_side(question, bare(whole, registry), bare(filtered, registry), config, registry))


def _run(question: Question, around: Config, configured: Config, registry: Registry) -> Explanations:
    return run_loop(_judge(question, bare(around, registry), configured, registry))


async def _judge(question: Question, config: Config, configured: Config, registry: Registry) -> Explanations:
    stage = BareEngine(config, registry)
    origin = stage.source.origin if isinstance(stage.source, HasOrigin) else ""
    judge, _ = _judging(question, stage, configured, registry, origin=origin)
    await stage.run()
    return judge.findings


def _judging(
    question: Question,
    stage: BareEngine,
    configured: Config,
    registry: Registry,
    *,
    origin: str = "",
    belongs: Callable[[Event], bool] = lambda event: True,
) -> tuple[ExplainingEvaluator, RulesInForce]:
    force, rule = _chosen(question.rule, configured, registry, stage.assembly.fields)
    live = [source for entry in configured.sources for source, _ in registry.sources(entry)]
    judge = ExplainingEvaluator(
        force, rule, Asked(question.number, question.alert, origin), Unaskeds(force, live),
        redact=stage.assembly.redact or unredacted, done=stage.stop, belongs=belongs,
    )  # fmt: skip
    stage.add("why", judge)
    return judge, force


async def _side_by_side(
    question: Question, whole: Config, filtered: Config, configured: Config, registry: Registry
) -> Explanations:
    """Run the command once, observed by two sources: one with the filter of a run, and one that sends every event."""
    command = WatchedCommand(question.command)
    stage, beside = BareEngine(whole, registry), BareEngine(filtered, registry)
    judge, force = _judging(question, stage, configured, registry, belongs=command.belongs)
    everything = Arrivals(judge.demand(), command.belongs)
    wanted = Arrivals(demand_of(force.running, force.fields), command.belongs)
    stage.add("arrivals", everything)
    beside.add("arrivals", wanted)
    try:
        async with asyncio.TaskGroup() as group:
            for run in (stage, beside):  # in this order: of two programs at a tracepoint the first attached runs first
                group.create_task(run.run())
                await run.engine().started.wait()  # a start that fails cancels it
            await asyncio.to_thread(command.run)
            for run in (beside, stage):
                run.stop()
    except BaseExceptionGroup as error:
        raise error.exceptions[0] from None
    finally:
        command.end()
    if command.failure:
        raise MozuError(f"{question.command[-1]!r} could not be run: {command.failure}")
    is_complete = not _lost(beside)
    if lost := _lost(stage):
        _log.warning("the machine does more than could be read: %d events were lost, perhaps some of the command", lost)
    for at, one in enumerate(judge.findings.explanations):
        came = not is_complete or arrived(one.number, everything, wanted)
        unasked = discarded_live(one.unasked, "ebpf", arrived=came)
        judge.findings.explanations[at] = msgspec.structs.replace(one, unasked=unasked)
    return judge.findings


def _lost(engine: BareEngine) -> int:
    """Events that the source could not read."""
    return sum(count.lost for count in engine.source.counts().values())


def _chosen(
    name: str, config: Config, registry: Registry, fields: FieldRegistry
) -> tuple[RulesInForce, Rule | None]:
    """Return the evaluator that has the rule, and the rule; if no rule is named the first evaluator and None."""
    names: list[str] = []
    for force in rules_in_force(config, registry, fields):
        rule = force.loaded.rules.rule(name) if name else None
        if rule is not None or not name:
            return force, rule
        names += [one.name for one in force.loaded.rules.rules]
    hint = suggestion(name, names) or "; `mozu rules list` lists the rules"
    raise MozuError(f"no rule is called {name!r}{hint}")
