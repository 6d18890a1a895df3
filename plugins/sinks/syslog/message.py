"""An alert as a syslog message: RFC 5424 with structured data, or RFC 3164."""

import os
import re
import time
from functools import lru_cache
from typing import Final, get_args

from mozu.core.api import Alert, Record
from mozu.core.caches import cached
from mozu.core.common.control_chars import single_line, truncate, visible
from mozu.core.delivery.encode.clock import clamped, iso
from mozu.core.model.event import bounded_text
from mozu.plugins.sinks.syslog.settings import Facility, SyslogSettings

_NIL: Final = "-"
_BOM: Final = b"\xef\xbb\xbf"
_LONGEST_VALUE: Final = 255
"""Most characters of one value in structured data; identifying values are much shorter."""
_LAST_SEQUENCE: Final = 2_147_483_647
"""Number after which `sequenceId` starts again at 1 (RFC 5424, 7.3.1)."""
_NOT_PRINTABLE: Final = re.compile(r"[^!-~]+")
_NOT_SLUG: Final = re.compile(r"[^A-Za-z0-9_.]+")
_SPECIAL: Final = re.compile(r'["\\\]]')
_ABOUT: Final = (("pid", "proc.pid"), ("exe", "proc.exepath"), ("uid", "user.uid"), ("cid", "container.id"))
"""Names in structured data and their fields, shown if the alert has them."""


class Formatter:
    """Formatter whose messages no text of an alert can break out of: printable header, escaped values, one line."""

    def __init__(self, settings: SyslogSettings) -> None:
        self._facility = get_args(Facility).index(settings.facility) * 8
        self._app, self._pid = settings.app_name, os.getpid()
        self._host = settings.hostname
        self._id = f"mozu@{settings.enterprise}"
        self._bom = _BOM if settings.bom else b""
        self._limit = settings.message_limit
        self._local = settings.transport == "local"
        self._head = self._rfc5424 if settings.is_rfc5424 else self._rfc3164

    def format(self, record: Record) -> bytes:
        """Return the message without a frame, at most `max_size` bytes long."""
        head = self._head(record, whole=True)
        body = single_line(record.body)
        if len(head) + len(body) > self._limit:
            if len(head) > self._limit // 2:
                head = self._head(record, whole=False)
            body = truncate(body, self._limit - len(head))
        return head + body

    def _rfc5424(self, record: Record, *, whole: bool) -> bytes:
        alert, stamp = record.alert, record.stamp
        number = (stamp.sequence - 1) % _LAST_SEQUENCE + 1
        data = self._data(record) if whole else f'[{self._id} uuid="{quoted(alert.id)}" sequence="{stamp.sequence}"]'
        return (
            f"<{self._facility + alert.priority}>1 {iso(alert.time)[:26]}Z {self._hostname(alert)} {self._app} "
            f'{self._pid} {slug(alert.rule)} {data}[meta sequenceId="{number}"] '
        ).encode() + self._bom

    def _data(self, record: Record) -> str:
        alert, stamp = record.alert, record.stamp
        about = "".join(f' {name}="{quoted(value)}"' for name, value in _about(alert))
        rule_id = f' rule_id="{quoted(alert.rule_id)}"' if alert.rule_id else ""
        tags = f' tags="{quoted(",".join(alert.tags))}"' if alert.tags else ""
        return (
            f'[{self._id} uuid="{quoted(alert.id)}" rule="{quoted(alert.rule)}"{rule_id} '
            f'priority="{alert.priority.label}" source="{quoted(alert.source)}" '
            f'agent="{quoted(stamp.agent)}" sink="{quoted(stamp.sink)}" '
            f'epoch="{quoted(stamp.epoch)}" sequence="{stamp.sequence}"{about}{tags}]'
        )

    def _rfc3164(self, record: Record, *, whole: bool) -> bytes:
        """Return the header; without the host's name for the local daemon, which knows it."""
        alert = record.alert
        host = "" if self._local else f"{self._hostname(alert)} "
        tag = f"{self._app[:32]}[{self._pid}]"
        at = _stamp(clamped(alert.time) // 1_000_000_000)
        return f"<{self._facility + alert.priority}>{at} {host}{tag}: ".encode()

    def _hostname(self, alert: Alert) -> str:
        return token(self._host or alert.hostname, 255)


def _about(alert: Alert) -> list[tuple[str, str]]:
    found = ((name, alert.values.get(key, alert.enrichment.get(key))) for name, key in _ABOUT)
    return [(name, bounded_text(value)) for name, value in found if value is not None]


@cached(4096)
def slug(rule: str) -> str:
    """Return a rule's name as MSGID: at most 32 printable ASCII characters without spaces."""
    return _NOT_SLUG.sub("-", rule).strip("-")[:32] or _NIL


@lru_cache(maxsize=256)
def token(text: str, most: int) -> str:
    """Return a word of the header: printable ASCII without spaces."""
    return _NOT_PRINTABLE.sub("_", text)[:most] or _NIL


@cached(4096)
def quoted(value: str) -> str:
    """Return a value for the quotes of structured data, with the three escapes of RFC 5424, 6.3.3."""
    text = visible(value[:_LONGEST_VALUE])
    return _SPECIAL.sub(lambda match: "\\" + match[0], text)


@lru_cache(maxsize=64)
def _stamp(second: int) -> str:
    """Return the local time in the format of RFC 3164, with English month names in any locale."""
    at = time.localtime(second)
    month = "JanFebMarAprMayJunJulAugSepOctNovDec"[at.tm_mon * 3 - 3 : at.tm_mon * 3]
    return f"{month} {at.tm_mday:2d} {at.tm_hour:02d}:{at.tm_min:02d}:{at.tm_sec:02d}"
