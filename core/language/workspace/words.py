"""The words of a condition, each with its meaning, for texts that are incomplete or wrong.

The parser refuses such texts; here a word that does not fit is read as the most probable thing, and the reading
continues.
"""

import enum
import re
from typing import Final

import msgspec

from mozu.core.language.conditions import tokens

_BLANKS: Final = re.compile(r"\s*")
_QUOTED: Final = re.compile(r""""(?:\\.|[^"\\])*"?|'(?:\\.|[^'\\])*'?""", re.DOTALL)
_SYMBOL: Final = re.compile(r"<=|>=|==|!=|[=<>]")
_OPERAND: Final = re.compile(r"""[^()"'=<>!,\[\s]+(?:\[(?:"[^"]*"?|'[^']*'?|[^\]\s"']*)\]?)?|!""")
_VALUE: Final = re.compile(r"""[^()"'=,\s]+""")
_CALL: Final = re.compile(r"(?:val|{})\(".format("|".join(tokens.TRANSFORMERS)))
_NAME: Final = re.compile(r"[a-zA-Z][a-zA-Z0-9_]*")
_JOINTS: Final = frozenset({"and", "or"})


class WordKind(enum.Enum):
    """The meaning of a word."""

    FIELD = enum.auto()
    MACRO = enum.auto()
    OPERATOR = enum.auto()
    MODIFIER = enum.auto()
    KEYWORD = enum.auto()
    TRANSFORMER = enum.auto()
    VALUE = enum.auto()
    """A value, or the name of a list."""
    QUOTED = enum.auto()


class Following(enum.Enum):
    """The kind of word that follows a text."""

    OPERAND = enum.auto()
    OPERATOR = enum.auto()
    VALUE = enum.auto()
    ITEM = enum.auto()
    """A value between parentheses."""
    ARGUMENT = enum.auto()
    """An operand between the parentheses of a transformer."""
    JOINT = enum.auto()
    """`and`, `or`, or the end."""


class Word(msgspec.Struct, frozen=True):
    """A word. `field` is the field on the left of an operator or a value; empty if there is none."""

    kind: WordKind
    text: str
    start: int
    end: int
    field: str = ""
    operator: str = ""


class Reading:
    """The reading of a text from its start to its end."""

    def __init__(self, text: str) -> None:
        self.words: list[Word] = []
        self.field = self.operator = ""
        """The field and the operator that an operator or a value is expected after."""
        self.following = Following.OPERAND
        self._text, self._at, self._calls = text, 0, 0
        while (at := self._blank()) < len(text):
            self._step()
            if self._at == at:
                self._at += 1  # a character that begins no word

    def _blank(self) -> int:
        found = _BLANKS.match(self._text, self._at)
        assert found is not None
        self._at = found.end()
        return self._at

    def _step(self) -> None:
        if self.following in (Following.VALUE, Following.ITEM):
            self._value()
        elif self.following is Following.OPERATOR:
            self._operator()
        else:
            self._operand()

    def _add(self, kind: WordKind, end: int) -> str:
        text = self._text[self._at : end]
        has_left = kind in (WordKind.OPERATOR, WordKind.VALUE, WordKind.QUOTED, WordKind.MODIFIER)
        left = (self.field, self.operator) if has_left else ("", "")
        self.words.append(Word(kind, text, self._at, end, *left))
        self._at = end
        return text

    def _call(self) -> bool:
        """Read the beginning of a transformer, or of `val(`, if there is one."""
        found = _CALL.match(self._text, self._at)
        if found is None:
            return False
        self._add(WordKind.TRANSFORMER, found.end() - 1)
        self._at = found.end()
        self._calls += 1
        self.following = Following.ARGUMENT
        return True

    def _operand(self) -> None:
        text, at = self._text, self._at
        char = text[at]
        if char in "()":
            self._at += 1
            if char == ")":
                self._closed()
            return
        if char == ",":
            self._at += 1
            return
        if (quoted := _QUOTED.match(text, at)) is not None:
            self._add(WordKind.QUOTED, quoted.end())
            return
        if self._call():
            return
        found = _OPERAND.match(text, at)
        if found is None:
            return
        word = found[0]
        if self.following is Following.ARGUMENT:
            self._add(WordKind.FIELD if "." in word else WordKind.VALUE, found.end())
        elif word in _JOINTS or word in ("not", "!"):
            self._add(WordKind.KEYWORD, found.end())
            self.following = Following.OPERAND
        elif "." in word:
            self.field = self._add(WordKind.FIELD, found.end())
            self.following = Following.OPERATOR
        elif _NAME.fullmatch(word):
            self._add(WordKind.MACRO, found.end())
            self.following = Following.JOINT
        else:
            self._at = found.end()

    def _closed(self) -> None:
        """Continue behind a `)`."""
        if self._calls:
            self._calls -= 1
            is_left = not self.operator and not self._calls
            self.following = Following.ARGUMENT if self._calls else Following.OPERATOR if is_left else Following.JOINT
            if not self._calls:
                self.field = self.operator = ""
            return
        self.following = Following.JOINT

    def _operator(self) -> None:
        found = _SYMBOL.match(self._text, self._at) or _OPERAND.match(self._text, self._at)
        if found is None or found[0] in _JOINTS:
            self._end_of_test()
            return
        self.operator = ""
        operator = self._add(WordKind.OPERATOR, found.end())
        if operator == "exists":
            self._end_of_test()
            return
        self.operator, self.following = operator, Following.VALUE

    def _value(self) -> None:
        text, at = self._text, self._at
        if text[at] == "(" and self.following is Following.VALUE:
            self._at += 1
            self.following = Following.ITEM
            return
        if text[at] == ")":
            if self.following is Following.ITEM:
                self._at += 1
            self._end_of_test()
            return
        if text[at] in ",(":
            self._at += 1
            return
        quoted = _QUOTED.match(text, at)
        if quoted is None and self._call():
            return
        found = quoted or _VALUE.match(text, at)
        if found is None:
            self._end_of_test()
            return
        if found[0] in tokens.MODIFIERS and self.following is Following.VALUE:
            self._add(WordKind.MODIFIER, found.end())
            return
        self._add(WordKind.VALUE if quoted is None else WordKind.QUOTED, found.end())
        if self.following is Following.VALUE:
            self._end_of_test()

    def _end_of_test(self) -> None:
        self.field = self.operator = ""
        self.following = Following.JOINT


def without_yaml_quotes(text: str) -> str:
    """Return the value of a key with blanks for the quotes that YAML needs around it and within it; each character
    keeps its offset."""
    quote = text.lstrip()[:1]
    if quote not in ("'", '"'):
        return text
    at = text.index(quote)
    inner = text[at + 1 :].replace("''", " '") if quote == "'" else text[at + 1 :].replace('\\"', ' "')
    end = inner.rfind(quote)
    if end >= 0 and not inner[end + 1 :].strip() and inner.count(quote) % 2:
        inner = f"{inner[:end]} {inner[end + 1 :]}"
    return f"{text[:at]} {inner}"
