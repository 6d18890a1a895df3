"""Definitions, references and new names of macros, lists and shared exceptions."""

import re
from collections.abc import Iterator
from typing import Final

import msgspec

from mozu.core.language.conditions import tokens
from mozu.core.language.workspace.hover import PLAIN_WORD, word_at
from mozu.core.language.workspace.names import definitions
from mozu.core.language.workspace.spot import spot
from mozu.core.language.workspace.uses import NameUse, uses
from mozu.core.language.workspace.view import CursorView
from mozu.core.language.workspace.words import WordKind

_WORD: Final = re.compile(r"[^()\"'\s=,\[\]{}:#]+")
_NAMES: Final = {"macro": re.compile(r"[a-zA-Z]+[a-zA-Z0-9_]*"), "list": _WORD, "exception": _WORD}
"""Kind → names that can be referred to and YAML writes without quotes."""
_RESERVED: Final = frozenset({"and", "or", "not", *tokens.OPERATORS, *tokens.MODIFIERS, *tokens.TRANSFORMERS})


class Name(msgspec.Struct, frozen=True):
    """The name of a rule, a macro, a list or a shared exception at a place."""

    kind: str
    name: str
    start: int
    end: int


def name_at(view: CursorView) -> Name | None:
    """Return the name at the place, also in a file that is not YAML at the moment; None if there is none."""
    for one in definitions(view.text):
        if one.start <= view.offset <= one.end:
            return Name(one.kind, one.name, one.start, one.end)
    here = spot(view.text, view.offset)
    if here.is_key:
        return None
    if here.path == ("condition",):
        word = word_at(view, here)
        kind = {WordKind.MACRO: "macro", WordKind.VALUE: "list"}.get(word.kind) if word is not None else None
        if word is None or kind is None:
            return None
        found = Name(kind, word.text, here.start + word.start, here.start + word.end)
    elif here.path[-1] in ("items", "values", "exceptions"):
        plain = next(
            (one for one in PLAIN_WORD.finditer(view.text, *view.line()) if one.start() <= view.offset <= one.end()),
            None,
        )
        if plain is None:
            return None
        kind = "exception" if here.path[-1] == "exceptions" else "list"
        found = Name(kind, plain[0], plain.start(), plain.end())
    else:
        return None
    return found if any(one.name == found.name for _, one in view.defined(found.kind)) else None


def places_of(view: CursorView, wanted: Name) -> Iterator[tuple[str, NameUse]]:
    """Yield the places that name it, each with its file. Of a file that is not YAML, only the definitions are found."""
    for file, text in view.texts.items():
        found = uses(text)
        if found is None:
            found = tuple(
                NameUse(one.kind, one.name, one.start, one.end, is_definition=True) for one in definitions(text)
            )
        for one in found:
            if (one.kind, one.name) == (wanted.kind, wanted.name):
                yield file, one


def refusal(view: CursorView, wanted: Name, new: str) -> str:
    """Return the reason why an item cannot get a new name; empty if there is none."""
    if wanted.kind not in _NAMES:
        return "only macros, lists and shared exceptions can be renamed here; other files name rules in their own ways"
    if not _NAMES[wanted.kind].fullmatch(new) or new in _RESERVED:
        return f"`{new}` cannot be the name of a {wanted.kind}; write letters, digits and underscores"
    for kind in _NAMES:
        taken = next((file for file, one in view.defined(kind) if one.name == new), None)
        if taken is not None:
            return f"there is a {kind} `{new}` already, in {taken}"
    broken = next((file for file, text in view.texts.items() if uses(text) is None), None)
    return f"{broken} is not YAML at the moment, so that uses in it cannot be seen" if broken is not None else ""
