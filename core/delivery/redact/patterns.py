"""Regular expressions (RE2) for secrets. The groups of a match are masked; without groups, the whole match."""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

import msgspec
import re2

from mozu.core.delivery.redact.commands import COMMANDS

MARK: Final = "[redacted]"
_MARK: Final = MARK.encode()

_WORD: Final = (
    r"(?:[a-z0-9]*(?:password|passwd|passphrase|passcode|passwort|secret|token|credentials?|signature)"
    r"|(?:[a-z0-9]+[-_.])?(?:api|access|secret|private|account|shared|auth|encryption|signing|session|license)[-_.]?key"
    r"(?:[-_.]?id)?|(?:store|key|ssh|db|user|proxy|smtp|ldap|admin|root|pg|sql|http)?pass|[a-z0-9]+[-_.]pwd)"
)
"""The end of a name that holds a secret. Neither `PWD`, which is a directory, nor `--password-file`, which names a
file."""
_NAME: Final = rf"(?:[a-z0-9]+[-_.])*{_WORD}"
_VALUE: Final = (
    r"(?:\\+[\"']([^\"'\\\n]+)"  # \"…\": JSON in a shell's quotes
    r"|\"((?:\\.|[^\"\\\n])+)"
    r"|'([^'\n]+)"
    r"|([^\s\x00\"'\\][^\s\x00]*))"
)
_ARGUMENT: Final = r"(?:\"((?:\\.|[^\"\\\n])+)|'([^'\n]+)|([^\s\x00\"'-][^\s\x00]*|-[^\s\x00-][^\s\x00]+))"
"""A value behind a blank; `-x` and `--word` are not values but the next option."""

BUILTIN: Final[tuple[tuple[str, str], ...]] = (
    ("private_key", r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----((?s:.*?))(?:-----END [A-Z0-9 ]*-----|\z)"),
    ("url", r"[a-zA-Z][a-zA-Z0-9+.-]*://[^\s/:@\"'\x00]*:([^\s/\"'\x00]+)@"),
    (
        "authorization",
        r"(?i)authorization[\"'\\]*[ \t]*[:=][ \t]*[\\\"']*(?:(?:digest|aws4-hmac-sha256|oauth|hawk)[ \t]+([^\n]+)"
        r"|(?:(?:bearer|basic|token|apikey|negotiate|ntlm)[ \t]+)?([^\s\"',\\]+))",
    ),
    ("authorization", r"(?i)\bbearer[ \t]+([a-z0-9._~+/=-]{8,})"),
    ("authorization", r"(?i)\b(?:set-)?cookie:[ \t]*([^\"'\n]+)"),
    ("option", rf"(?i)(?:^|[\s\"'\x00=])--?{_NAME}[ \t\x00]+{_ARGUMENT}"),
    ("assignment", rf"(?i)(?:^|[^a-z0-9]){_NAME}\\*[\"']?[ \t]*(?:=>|:=|[=:])[ \t]*{_VALUE}"),
    ("assignment", rf"(?i)(?:^|[^a-z0-9])[a-z0-9_]+_(?:key|auth|dsn)={_VALUE}"),
    ("jwt", r"\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*)?"),
    ("aws_key", r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b"),
    (
        "token",
        r"\b(?:gh[opsur]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|gl(?:pat|ptt|rt|dt)-[\w-]{16,}|xox[abeprs]-[\w-]{10,}"
        r"|[sr]k_(?:live|test)_\w{10,}|AIza[\w-]{30,}|ya29\.[\w-]{20,}|hv[sbr]\.[\w-]{20,}|npm_\w{30,}|pypi-[\w-]{30,}"
        r"|dckr_pat_[\w-]{20,}|dop_v1_\w{30,}|sk-[\w-]{20,}|SG\.[\w-]{16,}\.[\w-]{16,})",
    ),
    *(("command", expression) for expression in COMMANDS),
)
"""Pairs of name in the metric and expression, in the order of application."""
DOTTED: Final = ("option", rf"(?i)--?{_NAME}\.([^\s\x00]+)")
"""Expression for parameters of calls, which print with dots instead of NULs."""
ENVIRONMENT: Final = rf"(?i)(?:{_NAME}|[a-z0-9_]+_(?:key|auth|dsn)|(?:pw|auth|cookie|dsn))"
"""Names of environment variables that hold a secret."""
VARIABLES: Final = rf"(?s)(?:^|[ \x00]){ENVIRONMENT}=(.*?)(?:[ \x00][A-Z_][A-Z0-9_]*=|\z)"
"""Expression for a whole environment on one line: a value, which may contain blanks, ends before the next name."""
NAMES: Final = (*dict.fromkeys(name for name, _ in BUILTIN), "environment", "field")
"""Values of the label `pattern`, besides `extra_1` and so on."""


def _options(*, test_only: bool) -> re2.Options:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.log_errors = False
    options.max_mem = 64 << 20
    options.never_capture = test_only
    return options


def compiled(expression: str, *, test_only: bool = False) -> "re.Pattern[bytes]":
    """Return the compiled expression for bytes. `test_only`: without groups, which is faster. Raises re2.error."""
    found: re.Pattern[bytes]  # RE2's patterns have the methods of re's
    found = re2.compile(expression.encode(), options=_options(test_only=test_only))
    return found


@lru_cache(maxsize=64)
def problem_of(expression: str) -> str:
    """Return the defect of an expression; empty if there is none."""
    try:
        found = compiled(expression)
    except re2.error as wrong:
        said: bytes = wrong.args[0]
        return said.decode("utf-8", "replace")
    return "it matches the empty text" if found.search(b"") is not None else ""


class Hidden(msgspec.Struct):
    """A text after redaction."""

    text: bytes
    secrets: list[bytes]
    """Secrets that were hidden."""


class Pattern:
    """A regular expression that finds secrets, with its name in metrics."""

    def __init__(self, name: str, expression: str) -> None:
        self.name, self.expression = name, expression
        self._regex = compiled(expression)

    def hide(self, text: bytes) -> Hidden:
        """Return the text with every match hidden."""
        parts: list[bytes] = []
        secrets: list[bytes] = []
        at = 0
        for match in self._regex.finditer(text):
            start, end = _secret(match)
            if start == end or text.startswith(_MARK, start):
                continue
            parts += (text[at:start], _MARK)
            secrets.append(text[start:end])
            at = end
        return Hidden(b"".join(parts) + text[at:] if parts else text, secrets)


def _secret(match: "re.Match[bytes]") -> tuple[int, int]:
    """Return the span of the first group that took part in the match; of the whole match if there is none."""
    for number in range(1, match.re.groups + 1):
        if match.group(number) is not None:
            return match.span(number)
    return match.span()


def any_of(patterns: Iterable[Pattern]) -> "re.Pattern[bytes]":
    """Return one expression that finds a match if any of the patterns does."""
    return compiled("|".join(f"(?:{pattern.expression})" for pattern in patterns), test_only=True)
