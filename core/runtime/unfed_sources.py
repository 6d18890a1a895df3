"""Rules on events that no source brings: such rules load and run, and never match.

Only live sources are checked: recordings hold events of any class, and a topic's class is a setting.
"""

from collections.abc import Iterable

from mozu.core.api.declarations import AnySource
from mozu.core.filter.demand import Demand
from mozu.core.runtime.config import Config
from mozu.core.runtime.registry import Registry


def brought_sources(declarations: Iterable[AnySource]) -> frozenset[str] | None:
    """Return the source classes that these sources bring; None: any. A source without a class brings ready alerts
    only."""
    found = [one for one in declarations if one.event_source]
    return frozenset(one.event_source for one in found) if all(one.live for one in found) else None


def configured_sources(config: Config, registry: Registry) -> list[AnySource]:
    """Return the sources of a configuration, and for a choice all its alternatives. Raises ConfigError and
    PluginError."""
    return [declaration for entry in config.sources for declaration, _ in registry.sources(entry)]


def unfed_sources(declarations: Iterable[AnySource], demand: Demand) -> dict[str, str]:
    """Return source class → sentence, for each class that rules name and no source brings."""
    brought = brought_sources(declarations)
    if brought is None:
        return {}
    unfed = sorted(name for name, types in demand.types.items() if types and name not in ("*", *brought))
    return {name: f"{unfed_source(name)}: rules on them never match; `mozu rules list` names them" for name in unfed}


def unfed_source(name: str) -> str:
    """Return why a rule on events of this source class is idle."""
    return f"no source of the configuration brings events of `{name}`"
