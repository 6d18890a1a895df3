"""Conversions of the untyped scalars of rule files: booleans, unsigned numbers, versions, priorities."""

import re
from typing import Final

import msgspec

from mozu.core.model.alert import Severity

_WORDS: Final = {
    "y": True,
    "yes": True,
    "true": True,
    "on": True,
    "n": False,
    "no": False,
    "false": False,
    "off": False,
}
BOOLEANS: Final = {form: value for word, value in _WORDS.items() for form in (word, word.capitalize(), word.upper())}
"""Every accepted form: lower case, capitalised, upper case."""

MAX_UNSIGNED: Final = (1 << 32) - 1
_UNSIGNED: Final = re.compile(r"0[xX][0-9a-fA-F]+|[0-9]+")
_SEMANTIC: Final = re.compile(r"([0-9]+)\.([0-9]+)\.([0-9]+)")
_PRIORITIES: Final = {level.name.lower(): level for level in Severity} | {"info": Severity.INFORMATIONAL}


class Version(msgspec.Struct, frozen=True, order=True):
    """A semantic version, reduced to its three numbers."""

    major: int
    minor: int
    patch: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"

    def satisfies(self, wanted: "Version") -> bool:
        """Return True if this version satisfies a requirement: same major number, and not older."""
        return self.major == wanted.major and self >= wanted


def boolean(text: str) -> bool | None:
    """Return the boolean; None if the text is not one."""
    return BOOLEANS.get(text)


def unsigned(text: str) -> int | None:
    """Parse a decimal, 0x hexadecimal or 0-prefixed octal number of at most 32 bits as in Falco; None if it is
    malformed."""
    if not _UNSIGNED.fullmatch(text) or len(text) > 24:
        return None
    value: int | None = None
    if text[:2] in ("0x", "0X"):
        value = int(text, 16)
    elif len(text) == 1 or text[0] != "0":
        value = int(text)
    elif "8" not in text and "9" not in text:
        value = int(text, 8)
    return value if value is not None and value <= MAX_UNSIGNED else None


def version(text: str) -> Version | None:
    """Parse `x.y.z`, with any suffix; None if it is malformed."""
    match = _SEMANTIC.match(text)
    return None if match is None else Version(*(int(part) for part in match.groups()))


def priority(text: str) -> Severity | None:
    """Return a priority by name, in any case; None if it is unknown."""
    return _PRIORITIES.get(text.lower())


def priority_names() -> tuple[str, ...]:
    """Return the names as reports suggest them."""
    return tuple(level.label for level in Severity)
