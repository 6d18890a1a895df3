"""The merged configuration as YAML again, secrets hidden."""

from collections.abc import Callable

import yaml
from pydantic import BaseModel

from mozu.core.api import Kind
from mozu.core.model.value_types import JsonObject
from mozu.core.runtime.config.delivery import QueueSettings, RetrySettings, RouteSettings, SpoolSettings
from mozu.core.runtime.config.model import Config, Entry

SettingsOf = Callable[[Entry], BaseModel]


def show(config: Config, settings_of: SettingsOf, *, defaults: bool = False) -> str:
    """YAML that reads back as the same configuration (but for secrets, which print as stars).

    `settings_of` gives the validated settings of an entry. With `defaults` every setting is shown, not only those set.
    """
    tree: JsonObject = {
        kind.section: [_entry(entry, settings_of(entry), defaults=defaults) for entry in config.of(kind)]
        for kind in Kind
        if config.of(kind) or kind is not Kind.RESPONDER
    }
    tree.update(config.core.model_dump(mode="json", exclude_unset=not defaults))
    return yaml.safe_dump(tree, sort_keys=False, allow_unicode=True, default_flow_style=False)


def _entry(entry: Entry, settings: BaseModel, *, defaults: bool) -> str | JsonObject:
    shown: JsonObject = {}
    if entry.id != entry.name or defaults:
        shown["id"] = entry.id
    if entry.kind is Kind.SINK:
        options = entry.format_options.plain()
        shown["format"] = {entry.format: options} if options else entry.format
        delivery = (
            ("queue", entry.queue, QueueSettings()),
            ("spool", entry.spool, SpoolSettings(enabled=False)),
            ("retry", entry.retry, RetrySettings()),
            ("route", entry.route, RouteSettings()),
        )
        for name, value, default in delivery:
            if value != default or defaults:
                shown[name] = value.model_dump(mode="json")
    shown.update(settings.model_dump(mode="json", exclude_unset=not defaults))
    return {entry.name: shown} if shown else entry.name
