"""Regular expressions of conditions: RE2 in POSIX syntax, which must match the whole value, in linear time."""

import re
from collections.abc import Callable, Iterable
from typing import Any, Final

import re2

from mozu.core.caches import cached
from mozu.core.language.conditions.required_texts import required_texts
from mozu.core.model.event import as_bytes

_META: Final = re.compile(r"[\\^$.|?*+()\[\]{}]")


def _options() -> Any:
    options = re2.Options()
    options.posix_syntax = True
    options.longest_match = True
    options.one_line = True
    options.never_capture = True
    options.log_errors = False
    return options


@cached(1024)
def _compile(pattern: str) -> Any:
    return re2.compile(_valid(pattern), options=_options())


def _valid(text: str) -> bytes:
    """Return UTF-8 with U+FFFD for each invalid byte."""
    raw = as_bytes(text)
    return raw if text.isascii() else raw.decode("utf-8", "replace").encode()


def problem_of(pattern: str) -> str:
    """Return the problem of a pattern; empty if there is none."""
    try:
        _compile(pattern)
    except re2.error as wrong:
        detail = wrong.args[0] if wrong.args else ""
        return detail.decode("utf-8", "replace") if isinstance(detail, bytes) else str(detail)
    return ""


def matcher(pattern: str) -> Callable[[str], bool]:
    """Return a function that tests whether the whole value matches."""
    full_match = _compile(pattern).fullmatch
    required = required_texts(pattern)

    def matches(value: str) -> bool:
        return full_match(_valid(value)) is not None

    def has_text(value: str) -> bool:
        return required[0] in value and full_match(_valid(value)) is not None

    shortest = min(map(len, required), default=0)

    def has_some_text(value: str) -> bool:
        for text in required if len(value) >= shortest else ():
            if text in value:
                return full_match(_valid(value)) is not None
        return False

    if not required:
        return matches
    return has_text if len(required) == 1 else has_some_text


def alternatives(texts: Iterable[str]) -> Callable[[str], bool]:
    """Return a function that tests whether a value contains one of many texts, in time independent of their number."""
    options = re2.Options()
    options.never_capture = True
    options.log_errors = False
    options.max_mem = 64 << 20
    pattern = b"|".join(re2.escape(as_bytes(text)) for text in texts)
    search = re2.compile(pattern, options).search
    return lambda value: search(_valid(value)) is not None


def simpler(pattern: str) -> str:
    """Return the equivalent plain operator (`startswith /etc`); empty if there is none."""
    core = pattern.removeprefix("^").removesuffix("$")
    front, back = core.startswith(".*"), core.endswith(".*") and core != ".*"
    core = core.removeprefix(".*")
    core = core.removesuffix(".*") if back else core
    if _META.search(core) or not core:
        return ""
    op = {(False, False): "=", (True, True): "contains", (False, True): "startswith", (True, False): "endswith"}
    return f"{op[front, back]} {core}"
