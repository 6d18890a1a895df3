"""`mozu rules list --available`: mozu's own rules by families, and which of them a configuration uses."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from mozu.core.api import Kind
from mozu.core.language.rules import Options, families, load
from mozu.core.model.fields import FieldRegistry
from mozu.core.runtime.config import Config
from mozu.core.runtime.config.override import RULES_PLUGIN
from mozu.core.runtime.registry import Registry

ENABLED: Final = Path("/etc/mozu/rules.enabled")
"""The directory with the links that enable a package's rule families."""


class FamilyRow(msgspec.Struct, frozen=True):
    """A rule family and its number of rules."""

    family: str
    rules: int
    used: bool
    file: str


def family_rows(config: Config, registry: Registry, fields: FieldRegistry) -> Sequence[FamilyRow]:
    """Return every family that is installed; one is used if an evaluator of the configuration names it. Raises
    ConfigError and PluginError."""
    declared = registry.plugin(Kind.EVALUATOR, RULES_PLUGIN).declaration.settings.model_fields["rules"].default
    available = Path(declared[0])
    used = [
        path
        for entry in config.evaluators
        if entry.name == RULES_PLUGIN
        for path in getattr(registry.settings(entry), "rules", ())
    ]
    found = families(available, used)
    loaded = load([one.file for one in found], fields, Options())
    count = {str(one.file): 0 for one in found}
    for rule in loaded.rules.rules:
        count[rule.context.source.name] = count.get(rule.context.source.name, 0) + 1
    return [FamilyRow(one.name, count[str(one.file)], one.is_used, str(one.file)) for one in found]
