"""Hints for notations of other languages: `AND`, `&&`, `!(…)`, `<>`, `not in`, typographic quotes."""

import re
from typing import Final

from mozu.core.language.conditions.tokens import OPERATORS

QUOTES: Final = "“”„‟‘’‚‛«»"
"""Typographic quotes, which word processors put in place of straight ones."""

_WORDS = "|".join(sorted(filter(str.isalpha, OPERATORS), key=len, reverse=True))
_STRAIGHT: Final = "write straight quotes, \" or '"
_AND, _OR, _NOT = "write `and`", "write `or`", "write `not`, with a blank or `(` behind it"
_AT: Final = tuple(
    (re.compile(pattern), hint)
    for pattern, hint in (
        (rf"(?i:not\s*(?:(?:{_WORDS})\b|[=~]))|(?i:!\s*(?:(?:{_WORDS})\b|~))", "write `not` in front of the field"),
        (r"(?i:and)\b|&", _AND),
        (r"(?i:or)\b|\|", _OR),
        (r"!\s+=", "write `!=` without a blank"),
        (r"(?:NOT|Not)\b|!", _NOT),
        (r"(?i:starts?_?with)\b", "write `startswith`"),
        (r"(?i:ends?_?with)\b", "write `endswith`"),
        (r"(?i:is\s+not|ne)\b|≠|<>", "write `!=`"),
        (r"(?i:is|eq|equals)\b|:", "write `=`"),
        (r"(?i:lt)\b", "write `<`"),
        (r"(?i:gt)\b", "write `>`"),
        (r"(?i:le)\b|≤", "write `<=`"),
        (r"(?i:ge)\b|≥", "write `>=`"),
        (r"\[", "write lists in parentheses, as in `in (a, b)`"),
        (r"(?i:like)\b", "write `glob`"),
        (r"(?i:matches|match|rlike|regexp)\b|~", "write `regex`"),
        (rf"[{QUOTES}]", _STRAIGHT),
    )
)
"""Pattern of the refused text → hint; the first that matches counts."""
_BEFORE: Final = tuple(
    (re.compile(rf"(?:{pattern})\s*$"), hint)
    for pattern, hint in (
        (r"&&\S*", _AND),
        (r"\|\|\S*", _OR),
        (r"\bAND|\bAnd", _AND),
        (r"\bOR|\bOr", _OR),
        (r"\bNOT|\bNot", _NOT),
        (r"=~", "write `regex`"),
        (r"=>", "write `>=`"),
        (r"=<", "write `<=`"),
        (rf"[{QUOTES}]\S*", _STRAIGHT),
    )
)
"""Pattern of the text before the refused one, which was read as a name or a value → hint."""
_OPERATOR: Final = re.compile(rf"(?:{_WORDS})\b", re.IGNORECASE)
_LOOKED_AT: Final = 80
"""Characters before the refused text that are searched."""


def hint_of_habit(text: str, at: int) -> str:
    """Return what to write in place of the refused text at a position; empty if no other language explains it."""
    operator = _OPERATOR.match(text, at)
    if operator is not None and operator[0] != operator[0].lower():
        return f"write `{operator[0].lower()}`"
    if text.startswith("=", at) and text[:at].endswith(("=", "!")):
        return "write `=` or `!=`"
    if text.startswith(">", at) and text[:at].endswith("<"):
        return "write `!=`"
    before = text[max(at - _LOOKED_AT, 0) : at]
    return next(
        (hint for pattern, hint in _AT if pattern.match(text, at)),
        next((hint for pattern, hint in _BEFORE if pattern.search(before)), ""),
    )
