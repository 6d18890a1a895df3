"""The places that name macros, lists and shared exceptions, in the parts of a rule file that can."""

import re
from collections.abc import Iterator
from typing import Final

import msgspec

from mozu.core.caches import cached
from mozu.core.language.rules import SourceFile
from mozu.core.language.rules.tree import Mapping, Node, Scalar, Sequence, YamlError, documents
from mozu.core.language.workspace.words import Reading, WordKind, without_yaml_quotes

_KINDS: Final = ("rule", "macro", "list", "exception")
_PROPERTIES: Final = re.compile(r"(?:[&!]\S*\s+)*[\"']?")
"""Anchor, tag and quote before a scalar."""


class NameUse(msgspec.Struct, frozen=True):
    """A place that names a rule, a macro, a shared exception, or what is a list if one has this name."""

    kind: str
    name: str
    start: int
    end: int
    is_definition: bool = False
    """True for the first key of an item that defines or changes it."""


@cached(256)
def uses(text: str) -> tuple[NameUse, ...] | None:
    """Return the uses in a file, in its order; None for a file that is not YAML."""
    found: dict[int, NameUse] = {}
    try:
        for document in documents(SourceFile("", text)):
            for item in document.items if isinstance(document, Sequence) else ():
                if isinstance(item, Mapping):
                    found.update((one.start, one) for one in _of_item(text, item))
    except YamlError:
        return None
    return tuple(sorted(found.values(), key=lambda one: one.start))


def _of_item(text: str, item: Mapping) -> Iterator[NameUse]:
    kind = next((kind for kind in _KINDS if item.get(kind) is not None), "")
    name = item.get(kind)
    if isinstance(name, Scalar) and not name.null:
        yield _of_scalar(text, kind, name, is_definition=True)
    condition = item.get("condition")
    if isinstance(condition, Scalar):
        yield from _of_condition(text, condition)
    if kind == "list":
        yield from _of_values(text, item.get("items"))
    exceptions = item.get("exceptions") if kind == "rule" else None
    for one in exceptions.items if isinstance(exceptions, Sequence) else ():
        if isinstance(one, Mapping):
            yield from _of_values(text, one.get("values"))
    if kind == "exception":
        yield from _of_values(text, item.get("values"))
    guidance = item.get("mozu") if kind == "rule" else None
    if isinstance(guidance, Mapping):
        yield from _of_values(text, guidance.get("exceptions"), "exception")


def _of_condition(text: str, condition: Scalar) -> Iterator[NameUse]:
    raw = without_yaml_quotes(text[condition.offset : condition.end])
    kinds = {WordKind.MACRO: "macro", WordKind.VALUE: "list"}
    for word in Reading(raw).words:
        if word.kind in kinds:
            yield NameUse(kinds[word.kind], word.text, condition.offset + word.start, condition.offset + word.end)


def _of_values(text: str, node: Node | None, kind: str = "list") -> Iterator[NameUse]:
    """Yield each scalar of a sequence, or of sequences in it."""
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if isinstance(one, Sequence):
            waiting.extend(one.items)
        elif isinstance(one, Scalar) and not one.null:
            yield _of_scalar(text, kind, one)


def _of_scalar(text: str, kind: str, scalar: Scalar, *, is_definition: bool = False) -> NameUse:
    found = _PROPERTIES.match(text, scalar.offset, scalar.end)
    assert found is not None
    return NameUse(kind, scalar.text, found.end(), found.end() + len(scalar.text), is_definition)
