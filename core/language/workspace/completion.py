"""The words that can stand at a place of a rule file."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from mozu.core.api.rule_workspace import CompletionKind
from mozu.core.language.conditions import tokens
from mozu.core.language.workspace import condition_values, keys
from mozu.core.language.workspace.spot import Spot, spot
from mozu.core.language.workspace.view import CursorView
from mozu.core.language.workspace.words import Following, Reading, without_yaml_quotes
from mozu.core.model.alert.attack import tactic_tags
from mozu.core.model.fields import Argument, Field

_CONDITION_WORD: Final = re.compile(r"""[^\s()"',=<>!]*$""")
_OUTPUT_WORD: Final = re.compile(r"%([A-Za-z][\w.\[\]]*)?$")
_PLAIN_WORD: Final = re.compile(r"""[^\s,\[\]{}"']*$""")
_REST: Final = re.compile(r"""[^,\[\]{}"'\n]*$""")
"""The text that a name with blanks, such as that of a rule, replaces."""
_AFTER: Final = {
    Argument.INDEX: "[", Argument.KEY: "[", Argument.DOTTED: ".", Argument.DOTTED_OR_INDEX: ".",
    Argument.KEY_OR_DOTTED: "[",
}  # fmt: skip
"""Argument that must follow a field → text that begins it."""


class WordProposal(msgspec.Struct, frozen=True):
    """A word; it replaces the text from `start` to the place."""

    kind: CompletionKind
    label: str
    start: int
    text: str = ""
    detail: str = ""
    doc: str = ""


def proposals(view: CursorView) -> Iterator[WordProposal]:
    """Yield the words that can stand at the place, the most useful first."""
    here = spot(view.text, view.offset)
    if here.is_key:
        return _keys(view, here)
    if here.path == ("condition",):
        return _condition(view, here)
    if here.path == ("output",):
        return _output(view, here)
    return _plain(view, here)


def _keys(view: CursorView, here: Spot) -> Iterator[WordProposal]:
    if not here.kind:
        line = view.text[view.text.rfind("\n", 0, here.start) + 1 : here.start]
        dash = "" if "-" in line else "- "
        for key in keys.kinds():
            text = f"{dash}{keys.skeleton(key.name)}"
            yield WordProposal(CompletionKind.KEY, key.name, here.start, text, "item", key.doc)
        return
    for key in keys.keys_at(here.kind, here.path, here.keys):
        detail = "required" if key.is_required else ""
        yield WordProposal(CompletionKind.KEY, key.name, here.start, key.text, detail, key.doc)


def _condition(view: CursorView, here: Spot) -> Iterator[WordProposal]:
    text = without_yaml_quotes(here.text)
    word = _CONDITION_WORD.search(text)
    assert word is not None
    start, prefix = here.start + word.start(), word[0]
    before = text[: word.start()]
    reading = Reading(before[:-1] if before.endswith(("'", '"')) else before)
    match reading.following:
        case Following.OPERAND | Following.ARGUMENT:
            yield from _operands(view, here, start, prefix, in_call=reading.following is Following.ARGUMENT)
        case Following.OPERATOR:
            for operator in condition_values.operators(view.fields, reading.field):
                yield WordProposal(CompletionKind.OPERATOR, operator, start)
        case Following.VALUE | Following.ITEM:
            yield from _values(view, here, reading, start)
        case Following.JOINT:
            yield from _words(CompletionKind.KEYWORD, ("and", "or"), start)


def _operands(view: CursorView, here: Spot, start: int, prefix: str, *, in_call: bool) -> Iterator[WordProposal]:
    if not in_call:
        yield from _words(CompletionKind.KEYWORD, (word for word in ("not",) if prefix in word), start)
        for file, one in view.defined("macro"):
            if one.name != here.name and prefix in one.name:
                yield WordProposal(CompletionKind.MACRO, one.name, start, detail="macro", doc=file)
    yield from _fields(view, here.source, start, prefix, in_output=False)
    for name in (one for one in tokens.TRANSFORMERS if prefix in one):
        yield WordProposal(CompletionKind.TRANSFORMER, name, start, f"{name}(")


def _values(view: CursorView, here: Spot, reading: Reading, start: int) -> Iterator[WordProposal]:
    source = here.source or "syscall"
    found = condition_values.values(view.fields, reading.field, source, view.types_of(here.name))
    yield from _words(CompletionKind.VALUE, found, start)
    is_item = reading.following is Following.ITEM
    if not is_item and reading.operator not in tokens.LIST_OPERATORS:
        return
    for file, one in view.defined("list"):
        text = one.name if is_item else f"({one.name})"
        yield WordProposal(CompletionKind.LIST, one.name, start, text, "list", file)


def _output(view: CursorView, here: Spot) -> Iterator[WordProposal]:
    word = _OUTPUT_WORD.search(here.text)
    if word is not None:
        yield from _fields(view, here.source, here.start + word.start() + 1, word[1] or "", in_output=True)


def _plain(view: CursorView, here: Spot) -> Iterator[WordProposal]:
    word = _PLAIN_WORD.search(here.text)
    assert word is not None
    start, prefix, key = here.start + word.start(), word[0], here.path[-1]
    if here.path[0] == "override":
        yield from _words(CompletionKind.VALUE, keys.values_at(here.kind, here.path), start)
    elif key in ("rule", "macro", "list", "exception") and here.path == (key,):
        name = _REST.search(here.text)
        assert name is not None
        for file, one in view.defined(key):
            if one.end != view.offset:
                yield WordProposal(CompletionKind(key), one.name, here.start + name.start(), detail=key, doc=file)
    elif key in ("items", "values"):
        for file, one in view.defined("list"):
            yield WordProposal(CompletionKind.LIST, one.name, start, detail="list", doc=file)
    elif key == "exceptions":
        for file, one in view.defined("exception"):
            yield WordProposal(CompletionKind.EXCEPTION, one.name, start, detail="shared exception", doc=file)
    elif key == "fields":
        yield from _fields(view, here.source, start, prefix, in_output=False)
    elif key == "comps":
        yield from _words(CompletionKind.OPERATOR, tokens.OPERATORS, start)
    elif key == "tags":
        yield from _words(CompletionKind.VALUE, sorted(tactic_tags()), start)
    elif key == "source":
        yield from _words(CompletionKind.VALUE, sorted(view.sources), start)
    else:
        yield from _words(CompletionKind.VALUE, keys.values_at(here.kind, here.path), start)


def _fields(view: CursorView, source: str, start: int, prefix: str, *, in_output: bool) -> Iterator[WordProposal]:
    """Yield the fields whose name contains the prefix. A macro has no source: fields of any."""
    wanted = prefix.partition("[")[0].lower()
    for field in view.fields:
        if wanted not in field.name or "hidden" in field.traits or field.unavailable:
            continue
        if source and source not in field.sources and "*" not in field.sources:
            continue
        if in_output and "filter_only" in field.traits:
            continue
        after = _AFTER.get(field.argument, "")
        yield WordProposal(CompletionKind.FIELD, field.name, start, f"{field.name}{after}", type_text(field), field.doc)


def type_text(field: Field) -> str:
    """Return the type of a field in words."""
    kind = "type of the parameter" if "dynamic" in field.traits else field.type.value
    return f"list of {kind}" if field.is_list else kind


def _words(kind: CompletionKind, words: Iterable[str], start: int) -> Iterator[WordProposal]:
    for word in words:
        yield WordProposal(kind, word, start)
