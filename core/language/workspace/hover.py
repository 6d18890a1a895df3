"""The meaning of the word at a place of a rule file, in Markdown."""

import re
from typing import Final

import msgspec

from mozu.core.language.workspace import condition_values, keys
from mozu.core.language.workspace.completion import type_text
from mozu.core.language.workspace.spot import Spot, spot
from mozu.core.language.workspace.view import CursorView
from mozu.core.language.workspace.words import Reading, Word, WordKind, without_yaml_quotes
from mozu.core.model.alert.attack_names import technique_names
from mozu.core.model.fields import Resolved
from mozu.core.model.fields.field import never
from mozu.core.model.syscalls import event_type

_ENRICHER: Final = "enricher:"
_FEW: Final = 12
"""Maximum number of event types that are listed."""
_WORD_END: Final = re.compile(r"""[=<>!]+|[^\s()"',=<>!]*""")
_OUTPUT_FIELD: Final = re.compile(r"%([A-Za-z][\w.]*(?:\[[^\]\n]*\])?)")
PLAIN_WORD: Final = re.compile(r"""[^\s,\[\]{}"':]+(?:\.[^\s,\[\]{}"':]+)*""")
_OPERATORS: Final = {
    "=": "equal", "==": "equal", "!=": "not equal; false for a field without a value",
    "<": "less", "<=": "less or equal", ">": "greater", ">=": "greater or equal",
    "contains": "the text on the right is a part of the value",
    "icontains": "like `contains`, in any letter case",
    "bcontains": "the bytes, written in hexadecimal digits, are a part of the value",
    "startswith": "the value begins with the text", "endswith": "the value ends with the text",
    "bstartswith": "the value begins with the bytes, written in hexadecimal digits",
    "glob": "the whole value matches a pattern of `*`, `?` and `[…]`", "iglob": "like `glob`, in any letter case",
    "regex": "the whole value matches a regular expression (RE2)",
    "in": "equal to one of the values; of a list of values each one",
    "intersects": "one of the list's values is among those on the right",
    "pmatch": "the path is one of those on the right, or lies below one",
    "exists": "the field has a value",
}  # fmt: skip
_TRANSFORMERS: Final = {
    "tolower": "the text in lower case", "toupper": "the text in upper case",
    "basename": "the part of a path after the last slash", "b64": "the text decoded from base64",
    "len": "the length of a text, of bytes, or of a list", "join": "the elements of a list joined by a separator",
    "concat": "texts one after the other", "getopt": "the options of a command line, with their values",
    "val": "the value of a field, on the right of an operator",
}  # fmt: skip
_KEYWORDS: Final = {"and": "both hold", "or": "at least one holds", "not": "does not hold", "!": "does not hold"}


class Meaning(msgspec.Struct, frozen=True):
    """The meaning of the text between two offsets."""

    start: int
    end: int
    text: str


def meaning(view: CursorView) -> Meaning | None:
    """Return the meaning of the word at the place; None if there is none to say."""
    here = spot(view.text, view.offset)
    if here.is_key:
        return _of_key(view, here)
    if here.path == ("condition",):
        word = word_at(view, here)
        text = "" if word is None else _of_word(view, here, word)
        return None if word is None or not text else Meaning(here.start + word.start, here.start + word.end, text)
    pattern, group = (_OUTPUT_FIELD, 1) if here.path == ("output",) else (PLAIN_WORD, 0)
    for found in pattern.finditer(view.text, *view.line()):
        if found.start() <= view.offset <= found.end():
            text = _of_plain(view, here, found[group])
            return Meaning(found.start(group), found.end(group), text) if text else None
    return None


def word_at(view: CursorView, here: Spot) -> Word | None:
    """Return the word of a condition at the place, with offsets in the condition; None if there is none."""
    found = _WORD_END.match(view.text, view.offset)
    assert found is not None
    at = view.offset - here.start
    words = Reading(without_yaml_quotes(view.text[here.start : found.end()])).words
    return next((word for word in reversed(words) if word.start <= at <= word.end), None)


def _of_key(view: CursorView, here: Spot) -> Meaning | None:
    found = re.compile(r"[\w-]+").match(view.text, here.start)
    if found is None:
        return None
    kind = here.kind or found[0]
    text = keys.key_doc(kind, here.path, found[0])
    return Meaning(here.start, found.end(), f"**{found[0]}**\n\n{text}") if text else None


def _of_word(view: CursorView, here: Spot, word: Word) -> str:
    match word.kind:
        case WordKind.FIELD:
            return _of_field(view, here, word.text)
        case WordKind.MACRO:
            return _of_item(view, "macro", word.text)
        case WordKind.VALUE:
            return _of_value(view, word)
        case WordKind.OPERATOR:
            return _sentence(word.text, _OPERATORS.get(word.text, ""))
        case WordKind.TRANSFORMER:
            return _sentence(word.text, _TRANSFORMERS.get(word.text, ""))
        case WordKind.KEYWORD:
            return _sentence(word.text, _KEYWORDS.get(word.text, ""))
        case _:
            return ""


def _sentence(word: str, text: str) -> str:
    return f"**`{word}`**: {text}." if text else ""


def _of_value(view: CursorView, word: Word) -> str:
    text = _of_item(view, "list", word.text)
    kind = event_type(word.text) if word.field == "evt.type" and not text else None
    if kind is None:
        return text
    params = ", ".join(f"`{param.name}` ({param.type})" for param in kind.params)
    return f"**{kind.name}** · event type, category {kind.category}\n\n{f'`evt.arg.…`: {params}' if params else ''}"


def _of_item(view: CursorView, kind: str, name: str) -> str:
    """Return the items that define or change a macro or a list, as written."""
    found = [(file, one) for file, one in view.defined(kind) if one.name == name]
    parts = []
    for file, one in found[:3]:
        line = view.texts[file].count("\n", 0, one.start) + 1
        parts.append(f"```yaml\n{one.item}\n```\n{file}:{line}")
    return "\n\n".join(parts)


def _of_plain(view: CursorView, here: Spot, text: str) -> str:
    if "." in text and not text.startswith(("T", "t")):
        return _of_field(view, here, text)
    if here.path[-1] in ("items", "values"):
        return _of_item(view, "list", text)
    if here.path[-1] == "exceptions":
        return _of_item(view, "exception", text)
    technique = technique_names().get(text.upper()) if here.path[-1] == "tags" else None
    return f"**{text.upper()}** · ATT&CK technique: {technique}" if technique is not None else ""


def _of_field(view: CursorView, here: Spot, text: str) -> str:
    found = condition_values.resolved(view.fields, text)
    if found is None:
        field = view.fields.get(text.partition("[")[0])
        return "" if field is None or not field.unavailable else f"**{text}**\n\nNot available: {field.unavailable}"
    field = found.field
    lines = [f"**{text}** · {type_text(field)}", "", field.doc, ""]
    if "deprecated" in field.traits:
        lines.append("* deprecated")
    lines.append(f"* events of {'every source' if '*' in field.sources else ', '.join(sorted(field.sources))}")
    needs = field.needs or frozenset()
    enrichers = sorted(one.removeprefix(_ENRICHER) for one in needs if one.startswith(_ENRICHER))
    if enrichers:
        lines.append(f"* has a value if an enricher fills it: {', '.join(enrichers)}")
    kept = sorted(one for one in needs if not one.startswith(_ENRICHER))
    if kept:
        lines.append(f"* mozu keeps for it: {', '.join(kept)}")
    lines += _availability(view, here, found)
    return "\n".join(lines)


def _availability(view: CursorView, here: Spot, found: Resolved) -> list[str]:
    """Return a line about the event types of the rule that have the field, if these are known."""
    if found.field.bind is None and found.field.read is None:
        return ["* no component of this configuration fills it"]
    name, argument = found.text.partition("[")[0], found.argument if "[" in found.text else None
    types = [kind.name for kind in view.types_of(here.name)] if here.kind == "rule" else []
    having = [one for one in types if view.fields.resolve(name, argument, one).read is not never]
    if not types or len(types) > _FEW:
        return []
    if len(having) == len(types):
        return [f"* every event type of this rule has it: {', '.join(types)}"]
    missing = ", ".join(one for one in types if one not in having)
    return [f"* of this rule's event types {', '.join(having) or 'none'} {'have' if len(having) > 1 else 'has'} it,"
            f" and never {missing}"]  # fmt: skip
