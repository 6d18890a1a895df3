"""A short line for a person: when, how severe, what was done to which object, and who did it."""

import os
import time
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from pydantic import Field

from mozu.core.api import Settings
from mozu.core.api.extensions import FormatDeclaration
from mozu.core.common.alert_output import alert_output
from mozu.core.common.control_chars import visible
from mozu.core.delivery.encode.clock import clamped
from mozu.core.delivery.encode.known import Known, name_of
from mozu.core.model.alert import Alert, Severity, Stamp

_NS: Final = 1_000_000_000
_INDENT: Final = " " * 14
"""Columns of the time and the severity, below which the second line has none."""
_MOST_OBJECT: Final = 160
"""Most characters of the object in a line without a width."""
_MOST_SENTENCE: Final = 240
_MOST_ANCESTORS: Final = 3
_WORDS: Final = {
    Severity.EMERGENCY: "EMRG",
    Severity.ALERT: "ALRT",
    Severity.CRITICAL: "CRIT",
    Severity.ERROR: "ERR ",
    Severity.WARNING: "WARN",
    Severity.NOTICE: "NOTE",
    Severity.INFORMATIONAL: "INFO",
    Severity.DEBUG: "DBG ",
}
_COLORS: Final = {
    Severity.EMERGENCY: "1;97;41",
    Severity.ALERT: "1;97;41",
    Severity.CRITICAL: "1;91",
    Severity.ERROR: "91",
    Severity.WARNING: "93",
    Severity.NOTICE: "96",
    Severity.INFORMATIONAL: "37",
    Severity.DEBUG: "90",
}
"""Parameters of the escape sequence SGR (ECMA-48) of each severity."""
_EXECUTED: Final = frozenset({"execve", "execveat"})
_TWO_PATHS: Final = frozenset(
    {"rename", "renameat", "renameat2", "link", "linkat", "symlink", "symlinkat", "mount", "move_mount"}
)


class CompactSettings(Settings):
    """Options of the format `compact`."""

    color: bool = Field(False, description="Severities in colour, by ANSI escape sequences.")
    terminal: bool = Field(
        False, description="Lines are cut to the width of the terminal, and one that is longer takes a second line."
    )


class Compact:
    """Encoder of the format."""

    def __init__(self, *, color: bool = False, terminal: bool = False) -> None:
        self._color = color
        self._terminal = terminal

    def encode(self, alert: Alert, stamp: Stamp | None = None) -> bytes:
        """Return one line, or two if the format is made for a terminal and one would be too long."""
        known = Known(alert)
        head = visible(alert.message() if alert.source == "internal" else _sentence(alert, known))
        by = visible(" · ".join(_by(alert, known)))
        line, *more = self._lines(head, by)
        word = _WORDS[alert.priority]
        if self._color:
            word = f"\x1b[{_COLORS[alert.priority]}m{word}\x1b[0m"
            more = [f"\x1b[2m{one}\x1b[0m" for one in more]
        start = f"{_local(clamped(alert.time) // _NS)} {word} {line}"
        return "\n".join((start, *more)).encode()

    def _lines(self, head: str, by: str) -> list[str]:
        width = _width() - len(_INDENT) if self._terminal else 0
        whole = f"{head}  {by}" if by else head
        if not width or len(whole) <= width:
            return [whole]
        return [_cut(head, width), *([_INDENT + _cut(by, width)] if by else [])]


def _sentence(alert: Alert, known: Known) -> str:
    """Return the sentence of a rule that leaves the context to mozu; else the rule's name and the object that the call
    was about."""
    if alert.template.pairs:
        return _cut(alert.template.sentence(alert.values), _MOST_SENTENCE)
    found = _object(alert, known)
    return f"{alert.rule}: {_cut(found, _MOST_OBJECT)}" if found else alert.rule


def _object(alert: Alert, known: Known) -> str | None:
    """Return the object as text: a command line, two paths, a path, or the ends of a connection."""
    if alert.event_type in _EXECUTED:
        return known.text("proc.cmdline")
    if alert.event_type in _TWO_PATHS:
        source, target = known.text("fs.path.source"), known.text("fs.path.target")
        if source or target:
            return " → ".join(filter(None, (source, target)))
    return known.path() or known.text("fd.name")


def _by(alert: Alert, known: Known) -> Iterator[str]:
    """Yield who did it: process, user and ancestors; container or pod; the rule's id; what is missing."""
    name = known.text("proc.name")
    if name:
        user = known.text("user.name") or known.text("user.uid")
        line = [f"{name} ({user})" if user else name]
        line += [name_of(one.path) for one in known.ancestors()[:_MOST_ANCESTORS] if one.path]
        yield " ← ".join(line)
    pod, space = known.text("k8s.pod.name"), known.text("k8s.ns.name")
    if pod:
        yield f"pod {space}/{pod}" if space else f"pod {pod}"
    elif known.container():
        name, image = known.text("container.name") or known.container(), known.image()
        yield f"container {name} ({image})" if image else f"container {name}"
    if error := known.error():
        yield f"failed: {error}"
    if alert.rule_id:
        yield alert.rule_id
    if alert.incomplete:
        yield f"without {', '.join(alert.incomplete)}"


def _cut(text: str, width: int) -> str:
    """Return at most `width` characters; what is left out of the middle is an ellipsis, for a path's ends say most."""
    if len(text) <= width:
        return text
    before = (width - 1) // 2
    return f"{text[:before]}…{text[len(text) - (width - 1 - before) :]}"


def _width() -> int:
    """Return the columns of the terminal that alerts are written to; 100 if it does not say."""
    try:
        return os.get_terminal_size(alert_output()).columns or 100
    except OSError:
        return 100


@lru_cache(maxsize=64)
def _local(second: int) -> str:
    return time.strftime("%H:%M:%S", time.localtime(second))


FORMAT: Final = FormatDeclaration(
    name="compact",
    summary="A short line for a person at a terminal.",
    content_type="text/plain; charset=utf-8",
    build=lambda options: Compact(color=options.color, terminal=options.terminal),
    settings=CompactSettings,
    requested_fields=(
        "proc.name",
        "proc.cmdline",
        "proc.ancestors",
        "user.name",
        "user.uid",
        "container.full_id",
        "container.name",
        "container.image.repository",
        "container.image.tag",
        "k8s.ns.name",
        "k8s.pod.name",
        "evt.failed",
        "evt.rawres",
        "evt.res",
        "fs.path.name",
        "fs.path.source",
        "fs.path.target",
        "fd.type",
        "fd.name",
    ),
)
