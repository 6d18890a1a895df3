"""Changes that a new configuration makes in a run: those that need a restart, and the others in words."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

from mozu.core.api import Evaluator, Kind, NamesRules, Settings
from mozu.core.isolation.isolated import Isolated
from mozu.core.runtime.config import Config, Entry, Problems
from mozu.core.runtime.engine.built import Assembly

_FIXED: Final[Mapping[str, str]] = {
    "host": "alerts of one run carry one name",
    "state_dir": "the run file is there since the start",
    "record": "a recording is opened at the start",
}
"""Settings of the core that are fixed until the end of a run → why."""
_REMEDY: Final = "restart mozu, or put it back as it was"
_DELIVERY: Final = ("queue", "spool", "retry", "route", "heartbeat")
_MAX_NAMES: Final = 10
"""Number of rules that a text names."""


def fixed_problems(fresh: Config, settings: Callable[[Entry], Settings], current: Assembly) -> Problems:
    """Return every change that needs a restart, with its place; a reload with such a change is refused whole."""
    problems = Problems()
    for name in fresh.files:
        problems.file(name)
    for key, why in _FIXED.items():
        if getattr(fresh.core, key) != getattr(current.config.core, key):
            text = f"configuration: `{key}` cannot change while mozu runs, for {why}; {_REMEDY}"
            problems.add(fresh.node.key_mark(key), text)
    _check_sources(fresh, settings, current, problems)
    return problems


def _check_sources(
    fresh: Config, settings: Callable[[Entry], Settings], current: Assembly, problems: Problems
) -> None:
    before = {entry.id: entry for entry in current.config.sources}
    running = {one.isolated.name: one for one in current.sources}
    for entry in fresh.sources:
        if entry.id not in before or before[entry.id].name != entry.name:
            text = f"source {entry.id}: a source cannot be added while mozu runs; {_REMEDY}"
            problems.add(entry.node.mark, text)
            continue
        running_settings = current.recipes[Kind.SOURCE, entry.id].settings
        for name in changed_settings(running_settings, settings(entry)):
            if name.partition(".")[0] not in running[entry.id].declaration.changeable:
                node, _ = entry.node.follow(tuple(name.split(".")))
                text = f"source {entry.id}: `{name}` cannot change while the source runs; {_REMEDY}"
                problems.add(node.mark, text)
    for identity, entry in before.items():
        if identity not in {one.id for one in fresh.sources}:
            text = f"source {identity}: a source cannot be removed while mozu runs; {_REMEDY}"
            problems.add(entry.node.mark, text)


def changed_settings(before: Settings, after: Settings) -> list[str]:
    """The names of the settings that differ, dotted."""
    return list(_differing(before, after, ""))


def _differing(before: Settings, after: Settings, prefix: str) -> Iterator[str]:
    if type(before) is not type(after):
        yield prefix.rstrip(".")
        return
    for name in type(before).model_fields:
        one, other = getattr(before, name), getattr(after, name)
        if one == other:
            continue
        if isinstance(one, Settings) and isinstance(other, Settings):
            yield from _differing(one, other, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def describe(fresh: Assembly, current: Assembly) -> list[str]:
    """Return what changes, one phrase for each change; empty if nothing does."""
    found: list[str] = []
    for name in changed_settings(current.config.core, fresh.config.core):
        found.append(f"setting {name}")
    for kind in (Kind.SOURCE, Kind.ENRICHER, Kind.EVALUATOR, Kind.SINK, Kind.RESPONDER):
        found += _entries(kind, fresh, current)
    found += _rules(fresh.evaluators, current.evaluators)
    return found


def _entries(kind: Kind, fresh: Assembly, current: Assembly) -> Iterator[str]:
    before = {entry.id: entry for entry in current.config.of(kind)}
    after = {entry.id: entry for entry in fresh.config.of(kind)}
    for identity in after.keys() - before.keys():
        yield f"{kind} {identity} added"
    for identity in before.keys() - after.keys():
        yield f"{kind} {identity} removed"
    for identity in sorted(after.keys() & before.keys()):
        names = list(_of_entry(before[identity], after[identity]))
        key = kind, identity
        if key in current.recipes and key in fresh.recipes:
            names += changed_settings(current.recipes[key].settings, fresh.recipes[key].settings)
            if kind is Kind.SOURCE and current.recipes[key].content != fresh.recipes[key].content:
                names.append("files that it reads")
        if names:
            yield f"{kind} {identity}: {', '.join(names)}"


def _of_entry(before: Entry, after: Entry) -> Iterator[str]:
    if before.name != after.name:
        yield f"the plugin {after.name} instead of {before.name}"
    if (before.format, before.format_options.plain()) != (after.format, after.format_options.plain()):
        yield "format"
    yield from (name for name in _DELIVERY if getattr(before, name) != getattr(after, name))


def _rules(fresh: Sequence[Isolated[Evaluator]], current: Sequence[Isolated[Evaluator]]) -> Iterator[str]:
    before = {one.name: one.component for one in current}
    for one in fresh:
        old = before.get(one.name)
        if old is None or old is one.component:
            continue
        names, olds = _names(one.component), _names(old)
        added, removed = [n for n in names if n not in olds], [n for n in olds if n not in names]
        parts = [f"{_listed(some)} {what}" for some, what in ((added, "added"), (removed, "removed")) if some]
        yield f"rules of {one.name}: {'; '.join(parts) or 'changed'}"


def _names(evaluator: Evaluator) -> dict[str, None]:
    return dict.fromkeys(evaluator.rule_names()) if isinstance(evaluator, NamesRules) else {}


def _listed(names: Iterable[str]) -> str:
    all_names = list(names)
    shown = ", ".join(map(repr, all_names[:_MAX_NAMES]))
    more = len(all_names) - _MAX_NAMES
    return f"{shown} and {more} more" if more > 0 else shown
