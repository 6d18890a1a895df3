"""Additions of the configuration to outputs: the entries of `append_output`."""

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from mozu.core.language.rules.store import RuleInfo
from mozu.core.model.fields import Argument, Field, FieldRegistry

_FIRST: Final = (
    "container.id",
    "container.name",
    "container.image.repository",
    "container.image.tag",
    "k8s.pod.name",
    "k8s.ns.name",
)
"""Suggested fields that go first, in this order; the others follow by name."""
_CLUSTER: Final = "enricher:kubernetes"
"""Requirement of fields of the cluster: they are suggested only if this enricher exists, as Falco's are with its
plugin."""
_BARE: Final = (Argument.NONE, Argument.INDEX_OPTIONAL, Argument.KEY_OPTIONAL, Argument.DOTTED_OPTIONAL)


class Addition(msgspec.Struct, frozen=True, kw_only=True):
    """An entry: the rules it applies to (every criterion given must hold), and its additions."""

    source: str = ""
    tags: frozenset[str] = frozenset()
    rule: str = ""
    text: str = ""
    """Text appended to the output, after a space."""
    fields: tuple[tuple[str, str], ...] = ()
    """Fields in `output_fields` only: key and format. A format that is exactly one field keeps the type of the
    field."""
    suggested: bool = False
    """True if `NAME=%FIELD` is added for every field that is suggested for the rule's source."""

    def applies(self, rule: str, source: str, tags: Iterable[str]) -> bool:
        """Return True if the entry applies to this rule."""
        named = self.rule in ("", rule) and self.source in ("", source)
        return named and self.tags <= frozenset(tags)


class Added(msgspec.Struct, frozen=True):
    """The sum of all entries for one rule."""

    text: str = ""
    fields: tuple[tuple[str, str], ...] = ()


def added(additions: Iterable[Addition], info: RuleInfo, registry: FieldRegistry) -> Added:
    """Return the sum of the entries that apply to a rule, in order; the last definition of a key is used."""
    texts: list[str] = []
    fields: dict[str, str] = {}
    for addition in additions:
        if not addition.applies(info.name, info.source, info.tags):
            continue
        if addition.text:
            texts.append(addition.text)
        if addition.suggested:
            texts.extend(suggestions(registry, info.source))
        fields.update(addition.fields)
    return Added(" ".join(texts), tuple(fields.items()))


def suggestions(registry: FieldRegistry, source: str) -> Iterator[str]:
    """Yield `NAME=%FIELD` for each suggested field of a source."""
    for field in sorted((field for field in registry if _suggested(field, source)), key=_rank):
        yield f"{field.name.replace('.', '_')}=%{field.name}"


def _suggested(field: Field, source: str) -> bool:
    readable = not field.unavailable and field.argument in _BARE
    if field.bind is None and field.needs is not None and _CLUSTER in field.needs:
        return False
    return readable and "suggested" in field.traits and not field.sources.isdisjoint({source, "*"})


def _rank(field: Field) -> tuple[int, str]:
    return (_FIRST.index(field.name) if field.name in _FIRST else len(_FIRST)), field.name
