"""Impaired rules: rules that read fields which no enricher of the configuration fills, for `mozu rules list`."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from mozu.core.language.rules import ItemDescription
from mozu.core.model.fields import FieldRegistry
from mozu.core.model.value_types import JsonObject
from mozu.core.runtime.config import Config
from mozu.core.runtime.registry import Registry
from mozu.core.runtime.unfilled_fields import missing_needs, remedy, sentences


class ImpairedRules:
    """The impaired rules of one configuration."""

    def __init__(self, config: Config, registry: Registry, fields: FieldRegistry) -> None:
        self._missing: Mapping[str, str] = missing_needs(config, registry, fields)

    def fields(self, rule: ItemDescription) -> list[str]:
        """Return the names of fields that an enabled rule on system calls reads and nothing fills; empty if the rule is
        not impaired."""
        if rule["info"]["source"] != "syscall" or not rule["info"]["enabled"]:
            return []
        read = [*_texts(rule, "condition_fields"), *_texts(rule, "output_fields")]
        return sorted({name for name in map(self._missing_of, read) if name})

    def about(self, rule: ItemDescription) -> JsonObject:
        """Return the fields and the remedies as data; empty for a rule that is not impaired."""
        found = self.fields(rule)
        remedies = sorted({remedy(self._missing[name]) for name in found})
        return {"impaired": {"fields": list(found), "remedies": list(remedies)}} if found else {}

    def sentences(self, rules: Iterable[ItemDescription]) -> list[str]:
        """Return sentences on what is missing, which of these rules read it, and what to do."""
        readers: dict[str, list[str]] = defaultdict(list)
        for rule in rules:
            for field in self.fields(rule):
                readers[field].append(str(rule["info"]["name"]))
        return list(sentences({name: need for name, need in self._missing.items() if name in readers}, readers))

    def _missing_of(self, reference: str) -> str:
        """Return the field of a reference (`container.label[app]`, `container.label.app`) if nothing fills it; else an
        empty text."""
        name = reference.partition("[")[0]
        while name and name not in self._missing:
            name = name.rpartition(".")[0]
        return name


def _texts(rule: ItemDescription, key: str) -> list[str]:
    found = rule["details"][key]
    return list(map(str, found)) if isinstance(found, list) else []
