"""Scanner: reads a text from left to right; matches, skips or refuses the text at the current position."""

from re import Pattern
from typing import Final, NoReturn

from mozu.core.language.conditions import tokens
from mozu.core.language.conditions.ast import Text
from mozu.core.language.conditions.habits import hint_of_habit
from mozu.core.language.conditions.problems import ConditionError

MAX_DEPTH: Final = 1000
"""Maximum levels of parentheses, and of transformers."""


class Scanner:
    """A text and a position in it."""

    def __init__(self, text: str, origin: str = "") -> None:
        self.text = text
        self.origin = origin
        self.pos = 0
        self.depth = 0

    def quoted(self) -> Text | None:
        """Read a quoted text; return None if there is none."""
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
        """Return True if the word `not` is next, followed by a blank or `(`."""
        after = self.text[self.pos + 3 : self.pos + 4]
        return self.text.startswith("not", self.pos) and after != "" and (after == "(" or after in tokens.BLANK)

    def at_transformer(self) -> bool:
        """Return True if a transformer begins at the position."""
        return tokens.TRANSFORMER.match(self.text, self.pos) is not None

    def blanks(self) -> int:
        """Skip blanks; return the new position."""
        found = tokens.BLANKS.match(self.text, self.pos)
        assert found is not None
        self.pos = found.end()
        return self.pos

    def match(self, pattern: Pattern[str]) -> str | None:
        """Read the text that the pattern matches; return None if it does not match."""
        found = pattern.match(self.text, self.pos)
        if found is None:
            return None
        self.pos = found.end()
        return found[0]

    def take(self, word: str) -> bool:
        """Skip the word and return True if it is next."""
        if not self.text.startswith(word, self.pos):
            return False
        self.pos += len(word)
        return True

    def expect(self, word: str, expected: str = "") -> None:
        """Skip a required word. Raises ConditionError."""
        if not self.take(word):
            self.fail(expected or f"`{word}`")

    def peek(self) -> str:
        """Return the next character; empty at the end."""
        return self.text[self.pos : self.pos + 1]

    def enter(self, at: int) -> None:
        """Enter a level, which begins at `at`."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            self.pos = at
            self.refuse(f"the condition nests deeper than {MAX_DEPTH} levels", reason="too_deep")

    def check_encoding(self) -> None:
        """Refuse text that cannot be encoded as bytes."""
        try:
            self.text.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError as bad:
            self.pos = bad.start
            self.refuse("the text is not valid Unicode here")

    def fail(self, expected: str, hint: str = "") -> NoReturn:
        """Refuse the text at the position and name the expected text."""
        hint = hint or self._unit_hint() or hint_of_habit(self.text, self.pos)
        self.refuse(f"expected {expected}, found {self._found()}", hint)

    def refuse(self, message: str, hint: str = "", reason: str = "syntax") -> NoReturn:
        """Refuse the text at the position."""
        raise ConditionError(self.text, self.pos, message, hint, reason=reason, origin=self.origin)

    def _unit_hint(self) -> str:
        """Return a hint for `> 60s`: only directly after a number can a letter follow without a blank."""
        behind_number = self.pos > 0 and self.text[self.pos - 1].isdigit() and self.peek().isalpha()
        return "numbers have no unit; durations are nanoseconds, 1000000000 a second" if behind_number else ""

    def _found(self) -> str:
        if self.pos >= len(self.text):
            return "the end"
        word = tokens.BARESTR.match(self.text, self.pos)
        return f"`{word[0][:40]}`" if word is not None else f"`{self.peek()}`"
