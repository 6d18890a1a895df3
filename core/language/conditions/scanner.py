"""Reading a text from left to right: what stands here, pass it, or refuse it with its place."""

from re import Pattern
from typing import Final, NoReturn

from mozu.core.language.conditions import tokens
from mozu.core.language.conditions.ast import Text
from mozu.core.language.conditions.problems import ConditionError

MAX_DEPTH: Final = 1000
"""Levels of parentheses, and of transformers."""


class Scanner:
    """A text and a place in it."""

    def __init__(self, text: str, origin: str = "") -> None:
        self.text = text
        self.origin = origin
        self.pos = 0
        self.depth = 0

    def quoted(self) -> Text | None:
        """A quoted text here, if there is one."""
        at = self.pos
        if self.peek() not in ('"', "'"):
            return None
        end = tokens.quoted_end(self.text, at)
        if end == -1:
            self.fail("a value", "the quoted text does not end")
        self.pos = end
        value = tokens.unescape(self.text[at + 1 : end - 1], self.text[at])
        if value is None:
            self.refuse("unknown escape in the quoted text before this place", "write `\\\\` for a backslash")
        return Text(value, at, quoted=True)

    def at_not(self) -> bool:
        """Whether the word `not` stands here, with a blank or `(` behind it."""
        after = self.text[self.pos + 3 : self.pos + 4]
        return self.text.startswith("not", self.pos) and after != "" and (after == "(" or after in tokens.BLANK)

    def at_transformer(self) -> bool:
        """Whether a transformer begins here."""
        return tokens.TRANSFORMER.match(self.text, self.pos) is not None

    def blanks(self) -> int:
        """Skip blanks; where it stands then."""
        found = tokens.BLANKS.match(self.text, self.pos)
        assert found is not None
        self.pos = found.end()
        return self.pos

    def match(self, pattern: Pattern[str]) -> str | None:
        """What the pattern matches here, if it does."""
        found = pattern.match(self.text, self.pos)
        if found is None:
            return None
        self.pos = found.end()
        return found[0]

    def take(self, word: str) -> bool:
        """Whether the word stands here; then it is passed."""
        if not self.text.startswith(word, self.pos):
            return False
        self.pos += len(word)
        return True

    def expect(self, word: str, expected: str = "") -> None:
        """Pass a word that must stand here."""
        if not self.take(word):
            self.fail(expected or f"`{word}`")

    def peek(self) -> str:
        """The next character; empty at the end."""
        return self.text[self.pos : self.pos + 1]

    def enter(self, at: int) -> None:
        """One level deeper; `at` is where it begins."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            self.pos = at
            self.refuse(f"the condition nests deeper than {MAX_DEPTH} levels", reason="too_deep")

    def check_encoding(self) -> None:
        """Refuse text that no bytes stand for."""
        try:
            self.text.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError as bad:
            self.pos = bad.start
            self.refuse("the text is not valid Unicode here")

    def fail(self, expected: str, hint: str = "") -> NoReturn:
        """Refuse what stands here: something else was expected."""
        self.refuse(f"expected {expected}, found {self._found()}", hint or self._unit_hint())

    def refuse(self, message: str, hint: str = "", reason: str = "syntax") -> NoReturn:
        """Refuse the text at this place."""
        raise ConditionError(self.text, self.pos, message, hint, reason=reason, origin=self.origin)

    def _unit_hint(self) -> str:
        """For `> 60s`: only behind a number can a letter stand without a blank."""
        behind_number = self.pos > 0 and self.text[self.pos - 1].isdigit() and self.peek().isalpha()
        return "numbers have no unit; durations are nanoseconds, 1000000000 a second" if behind_number else ""

    def _found(self) -> str:
        if self.pos >= len(self.text):
            return "the end"
        word = tokens.BARESTR.match(self.text, self.pos)
        return f"`{word[0][:40]}`" if word is not None else f"`{self.peek()}`"
