"""A mail from alerts: a subject from the most severe one, and a text with all alerts in their format."""

from collections.abc import Sequence
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from hashlib import blake2b
from typing import Final

from mozu.core.api import Record
from mozu.core.common.control_chars import visible

_MAX_SUBJECT: Final = 200
"""Most characters of the subject; longer names of rules are cut."""


def mail(records: Sequence[Record], sender: str, recipients: Sequence[str]) -> EmailMessage:
    """Return one mail for all records. The same alerts have the same Message-ID, so that copies can be recognised."""
    worst = min(records, key=lambda record: record.alert.priority)
    made = EmailMessage(policy=SMTP)
    made["Subject"] = _subject(records, worst)
    made["From"], made["To"] = sender, ", ".join(recipients)
    made["Date"] = format_datetime(datetime.fromtimestamp(worst.alert.time / 1e9, UTC))
    made["Message-ID"] = _message_id(records, sender)
    made["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers to it
    made["X-Mozu-Priority"] = worst.alert.priority.label
    lines = (record.body.decode("utf-8", "replace") for record in records)
    made.set_content("\n\n".join(visible(line) for line in lines) + "\n", cte="quoted-printable")
    return made


def _subject(records: Sequence[Record], worst: Record) -> str:
    alert = worst.alert
    about = visible(f"{alert.rule} on {alert.hostname or worst.stamp.agent}")
    more = f" and {len(records) - 1} more" if len(records) > 1 else ""
    room = _MAX_SUBJECT - len(more)
    cut = about if len(about) <= room else f"{about[: room - 1]}…"
    return f"[{alert.priority.label}] {cut}{more}"


def _message_id(records: Sequence[Record], sender: str) -> str:
    joined = "\0".join(record.alert.id for record in records).encode("utf-8", "surrogateescape")
    return f"<{blake2b(joined, digest_size=16).hexdigest()}@{sender.rpartition('@')[2].strip('[]')}>"
