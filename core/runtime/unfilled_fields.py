"""Rules that read fields that nothing fills in this configuration: those fields are absent for the rules.

Only live system calls are checked: recordings answer for their own containers and users.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

from mozu.core.api import EnricherDeclaration, ReadsFields
from mozu.core.model.fields import FieldRegistry
from mozu.core.runtime.config import Config
from mozu.core.runtime.registry import Registry

_PREFIX: Final = "enricher:"
_SHOWN: Final = 3
"""Number of rules that are named; the others are counted."""
_REMEDIES: Final[Mapping[str, str]] = {
    "containers": "containers",
    "kubernetes": "kubernetes (docs/operate/kubernetes.md)",
    "users": "users",
}
"""Need → enricher to add."""
_HOSTS: Final = "hosts"
"""The need of fields that stand for names of hosts, which the core resolves."""


def unfilled_fields(
    config: Config, registry: Registry, fields: FieldRegistry, evaluators: Iterable[object]
) -> dict[str, list[str]]:
    """Return sentence → rules, for each kind of field that rules in force read and nothing fills in this
    configuration."""
    reading = [one for one in evaluators if isinstance(one, ReadsFields)]
    missing = missing_needs(config, registry, fields)
    rules = {field: [name for one in reading for name in one.rules_reading(field)] for field in missing}
    return sentences({field: missing[field] for field in missing if rules[field]}, rules)


def missing_needs(config: Config, registry: Registry, fields: FieldRegistry) -> dict[str, str]:
    """Return field → what is missing, for fields that nothing fills in this configuration, in the order of names."""
    if not any(declaration.live for entry in config.sources for declaration, _ in registry.sources(entry)):
        return {}
    filled = {name for entry in config.enrichers for name in (entry.id, *_provided(registry.declaration(entry)))}
    needs = {field.name: _missing(field.needs or frozenset(), filled) for field in fields}
    if not config.core.resolve.enabled:
        needs |= {field.name: _HOSTS for field in fields if "host_name" in field.traits}
    return {name: need for name, need in needs.items() if need}


def sentences(missing: Mapping[str, str], rules: Mapping[str, Iterable[str]]) -> dict[str, list[str]]:
    """Return sentence → rules that read such a field, one sentence for each need. `rules` maps a field to its
    readers."""
    read: dict[str, list[str]] = defaultdict(list)
    readers: dict[str, dict[str, None]] = defaultdict(dict)
    for field, need in missing.items():
        read[need].append(field)
        readers[need].update(dict.fromkeys(rules[field]))
    return {_sentence(need, _longest(read[need]), [*readers[need]]): [*readers[need]] for need in sorted(read)}


def remedy(need: str) -> str:
    """Return what to change in the configuration so that a need is met."""
    if need == _HOSTS:
        return "set `resolve.enabled: true`"
    return f"add {_REMEDIES[need]} to `enrichers`" if need in _REMEDIES else "mozu has none for them"


def _provided(declaration: object) -> tuple[str, ...]:
    return declaration.provides if isinstance(declaration, EnricherDeclaration) else ()


def _missing(needs: Iterable[str], filled: set[str]) -> str:
    """Return what an enricher would have to provide; empty if one does, or if none is needed."""
    wanted = sorted(need.removeprefix(_PREFIX) for need in needs if need.startswith(_PREFIX))
    return "" if not wanted or filled.intersection(wanted) else wanted[0]


def _longest(names: list[str]) -> list[str]:
    """Return the names without those that only begin another one: without `container.image` if there is
    `container.image.tag`."""
    return [name for name in names if not any(other.startswith(f"{name}.") for other in names)]


def _sentence(need: str, read: list[str], rules: list[str]) -> str:
    shown = ", ".join(rules[:_SHOWN]) + (f" and {len(rules) - _SHOWN} more" if len(rules) > _SHOWN else "")
    readers = "a rule reads" if len(rules) == 1 else "rules read"
    nothing = "`resolve.enabled: false` leaves empty" if need == _HOSTS else "no enricher that is enabled fills"
    return f"{nothing} {', '.join(read)}, which {readers} ({shown}): {remedy(need)}"
