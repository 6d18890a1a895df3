"""Encoding of recordings: events to lines.

The common case is one call for a whole batch. Text that is not UTF-8 is encoded event by event, which is slower:
msgspec writes strict JSON only.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from mozu.core.model.event import DataEvent, Event, File, SyscallEvent
from mozu.core.model.syscalls import event_types
from mozu.core.recording.lines import ENTERED, OBSERVATION_NAMES, UNSEEN, DataLine, TypeLine, form_of
from mozu.core.state.observed import Entered

_FORMS_LIMIT: Final = 1 << 14
_encoder: Final = msgspec.json.Encoder()


def line(item: msgspec.Struct) -> bytes:
    """Encode one line that is not an event."""
    return b"".join(_each((item,)))


class RecordingEncoder:
    """Encoder of the events of one section."""

    def __init__(self, versions: Mapping[str, int] | None = None) -> None:
        """`versions`: type of a source's own event → its version, if that is not 1."""
        self._versions = versions or {}
        self._forms: dict[tuple[type, ...], str] = {}
        self._declared: set[str] = set()
        self.unwritable = 0
        """Number of events with values that no line can hold."""

    def section(self) -> None:
        """Begin a section: types are declared again."""
        self._declared.clear()

    def encode(self, events: Sequence[Event], number: int) -> list[bytes]:
        """Encode events. `number` is the number of the last event before them; events without a number count from
        it."""
        lines: list[Any] = []
        declared, forms = self._declared, self._forms.get
        for event in events:
            if not isinstance(event, SyscallEvent):
                assert isinstance(event, DataEvent)
                version = self._versions.get(event.type, 1)
                lines.append(DataLine(event.source, event.type, event.time, event.num, event.data, version))
                continue
            kind = event.type
            if kind not in declared:
                self._declare(kind, lines)
            if event.num:
                number = event.num
            elif kind[0] != "_":
                number += 1
            args, observed, file = event.args, event.observed, event.file
            form = forms((type(observed), type(file), *map(type, args)))
            if form is None:
                try:
                    form, observed = self._form(args, file, observed)
                except KeyError:
                    self.unwritable += 1
                    continue
            head = (kind, form, number, event.time, event.tid, event.pid, event.cpu, event.fd, args)
            lines.append(head if file is None and observed is None else (*head, file, observed))
        try:
            return [_encoder.encode_lines(lines)]
        except (UnicodeEncodeError, TypeError, OverflowError):
            return self._each(lines)

    def _each(self, lines: Iterable[Any]) -> list[bytes]:
        found: list[bytes] = []
        for item in lines:
            try:
                found.extend(_each((item,)))
            except (UnicodeEncodeError, TypeError, OverflowError):
                self.unwritable += 1
        return found

    def _declare(self, kind: str, lines: list[Any]) -> None:
        self._declared.add(kind)
        known = event_types().get(kind)
        if known is not None:
            lines.append(TypeLine(kind, tuple(param.name for param in known.params)))

    def _form(self, args: tuple[Any, ...], file: File | None, observed: Any) -> tuple[str, Any]:
        """Return the form and the observation as written. Raises KeyError for values that no line can hold."""
        form = form_of(args)
        if isinstance(observed, Entered):
            return f"{form}:{ENTERED}={form_of(observed.args)}", (observed.type, observed.args)
        if isinstance(observed, SyscallEvent):
            return f"{form}:{UNSEEN}", self._inner(observed)
        if observed is not None:
            form = f"{form}:{OBSERVATION_NAMES[type(observed)]}"
        elif file is not None:
            form += ":"
        if "l" not in form and "(" not in form:
            if len(self._forms) >= _FORMS_LIMIT:
                self._forms.clear()
            self._forms[type(observed), type(file), *map(type, args)] = form
        return form, observed

    def _inner(self, event: SyscallEvent) -> tuple[Any, ...]:
        form, observed = self._form(event.args, File(""), event.observed)
        head = (event.type, form, event.num, event.time, event.tid, event.pid, event.cpu, event.fd, event.args)
        return (*head, event.file, observed)


def _each(items: Iterable[Any]) -> Iterable[bytes]:
    for item in items:
        try:
            yield _encoder.encode(item) + b"\n"
        except UnicodeEncodeError:
            plain = msgspec.to_builtins(item, str_keys=True)
            yield json.dumps(plain, ensure_ascii=True, separators=(",", ":")).encode() + b"\n"
