"""ArcSight's Common Event Format: one line of text with keys that SIEMs know.

Escapes: backslash and `|` in the header; backslash, `=` and line ends in the extension. The format has no escape for
other control characters, so they are written as `\\uxxxx`.
"""

import re
from collections.abc import Iterator
from typing import Final

from pydantic import Field

from mozu.core.api import Settings
from mozu.core.api.extensions import FormatDeclaration
from mozu.core.common.control_chars import UNSEEN, spelled, visible
from mozu.core.delivery.encode.known import REQUESTED_FIELDS, Known, name_of
from mozu.core.delivery.encode.product import NAME, rule_id, version
from mozu.core.model.alert import Alert, Stamp, attack
from mozu.core.model.alert.attack import Version
from mozu.core.model.event import printable

Pair = tuple[str, str | int | None]
_HEADER: Final = str.maketrans({"\\": "\\\\", "|": "\\|"})
_LINE_ENDS: Final = {"\n": "\\n", "\r": "\\r"}


class CefSettings(Settings):
    """Options of the format `cef`."""

    vendor: str = Field(NAME, description="The field Device Vendor, for parsers that are chosen by it.")
    product: str = Field(NAME, description="The field Device Product.")
    attack: Version = Field("19", description="The version of ATT&CK in whose words tactics are named.")


class Cef:
    """Encoder for version 0 of the format, which every reader supports."""

    def __init__(self, settings: CefSettings | None = None) -> None:
        self._settings = settings or CefSettings()
        parts = (self._settings.vendor, self._settings.product, version())
        self._start = "CEF:0|" + "".join(f"{_head(part)}|" for part in parts)

    def encode(self, alert: Alert, stamp: Stamp | None = None) -> bytes:
        """Return the line. The stamp is `deviceExternalId` (the agent), `flexString1` (the epoch), `flexString2` (the
        sink) and `cn1` (the number)."""
        head = f"{_head(rule_id(alert))}|{_head(alert.rule)}|{alert.priority.levels.cef}|"
        pairs = " ".join(
            f"{key}={_value(value)}" for key, value in self._pairs(alert, stamp) if value is not None and value != ""
        )
        return f"{self._start}{head}{pairs}".encode()

    def _pairs(self, alert: Alert, stamp: Stamp | None) -> Iterator[Pair]:
        known = Known(alert)
        yield from (
            ("rt", alert.time // 1_000_000),
            ("externalId", alert.id),
            ("cat", alert.source),
            ("act", alert.event_type),
            ("dvchost", alert.hostname),
            ("msg", alert.message()),
        )
        yield from _subject(known)
        yield from _object(known)
        yield from _custom(known, self._attack(alert))
        if stamp is not None:
            yield from (
                ("deviceExternalId", stamp.agent),
                ("cn1", stamp.sequence),
                ("cn1Label", "sequence"),
                ("flexString1", stamp.epoch),
                ("flexString1Label", "epoch"),
                ("flexString2", stamp.sink),
                ("flexString2Label", "sink"),
            )

    def _attack(self, alert: Alert) -> str | None:
        mapping = attack(alert.tags, self._settings.attack)
        if mapping is None:
            return None
        tactics = [f"{item.id} {item.name}" for item in mapping.tactics]
        techniques = [f"{item.sub_id or item.id} {item.sub_name or item.name}".rstrip() for item in mapping.techniques]
        return f"v{mapping.version}: " + ", ".join(tactics + techniques)


def _subject(known: Known) -> Iterator[Pair]:
    """Yield the acting process, as the source."""
    yield from (
        ("spid", known.number("proc.pid")),
        ("sproc", known.text("proc.exepath") or known.text("proc.name")),
        ("suid", known.text("user.uid")),
        ("suser", known.text("user.name")),
    )


def _object(known: Known) -> Iterator[Pair]:
    """Yield the call's object and outcome."""
    path, connection = known.path(), known.connection()
    yield "outcome", known.outcome()
    if path is not None:
        yield from (("filePath", path), ("fname", name_of(path)))
    if connection is not None:
        yield from (
            *_address("src", "c6a2", "Source IPv6 Address", connection.client),
            ("spt", connection.client_port),
            *_address("dst", "c6a3", "Destination IPv6 Address", connection.server),
            ("dpt", connection.server_port),
            ("proto", connection.transport and connection.transport.upper()),
            ("deviceDirection", None if connection.inward is None else int(not connection.inward)),
        )


def _address(key: str, key6: str, label: str, address: str | None) -> tuple[Pair, ...]:
    if address is None or ":" not in address:
        return ((key, address),)
    return ((key6, address), (f"{key6}Label", label))


def _custom(known: Known, mitre: str | None) -> Iterator[Pair]:
    pod, namespace = known.text("k8s.pod.name"), known.text("k8s.ns.name")
    texts = (
        ("container.id", known.container()),
        ("container.image", known.image()),
        ("k8s.pod", f"{namespace}/{pod}" if pod and namespace else pod),
        ("mitre", mitre),
        ("proc.cmdline", known.text("proc.cmdline")),
        ("proc.pcmdline", known.text("proc.pcmdline")),
    )
    for number, (label, value) in enumerate(texts, 1):
        if value:
            yield from ((f"cs{number}", value), (f"cs{number}Label", label))
    parent = known.number("proc.ppid")
    if parent is not None:
        yield from (("cn2", parent), ("cn2Label", "proc.ppid"))


def _head(text: str) -> str:
    return visible(text).translate(_HEADER)


def _value(value: str | int) -> str:
    text = str(value)
    escaped = text.replace("\\", "\\\\").replace("=", "\\=")
    if text.isascii() and text.isprintable():
        return escaped
    return UNSEEN.sub(_spelled, printable(escaped))


def _spelled(match: re.Match[str]) -> str:
    return _LINE_ENDS.get(match[0]) or spelled(match).replace("\\", "\\\\")


FORMAT: Final = FormatDeclaration(
    name="cef",
    summary="A line of ArcSight's Common Event Format.",
    content_type="text/plain; charset=utf-8",
    build=Cef,
    settings=CefSettings,
    requested_fields=REQUESTED_FIELDS,
)
