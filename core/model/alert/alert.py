"""An alert: typed values, not text."""

from hashlib import blake2b

import msgspec

from mozu.core.model.alert.notes import NO_NOTES, RuleNotes
from mozu.core.model.alert.severity import Severity
from mozu.core.model.alert.template import Template
from mozu.core.model.event import as_bytes
from mozu.core.model.value_types import FieldValue


class Alert(msgspec.Struct, kw_only=True):
    """An alert that a rule raised about an event."""

    rule: str
    """The rule's name."""
    priority: Severity
    source: str
    time: int
    """The event's time, ns since the epoch."""
    template: Template
    values: dict[str, FieldValue]
    """Key of each `Ref` → typed value: int, float, bool, str, bytes, a tuple of these, or None if missing."""
    tags: tuple[str, ...] = ()
    """The tags, sorted."""
    event_type: str = ""
    event_num: int = 0
    hostname: str = ""
    rule_id: str = ""
    """The rule's own id, which stays when its name changes; empty if it has none."""
    next: str = ""
    """The rule's advice on what to do next; empty if it has none."""
    notes: RuleNotes = NO_NOTES
    """The rule's notes for the receivers of its alerts; alerts of one rule share them."""
    id: str = ""
    """A stable id: evaluating the same event again results in the same id. The core fills it, and `hostname`. A
    source's ready alert may bring its own id; otherwise it is made from `event_num`, or from a running number if that
    is 0."""
    correlation_uid: str = ""
    """An id that alerts which belong together share (core/flow/correlation.py); empty if the event is of no process.
    The core fills it."""
    enrichment: dict[str, FieldValue] = msgspec.field(default_factory=dict)
    """Field → JSON value (text, number, bool, list, None) that encoders want besides the output
    (`Context.requested_fields`); shown only by formats that have a place for it."""
    incomplete: tuple[str, ...] = ()
    """Enrichers that had not answered when their deadline passed."""
    respond: tuple[str, ...] = ()
    """Responders that the rule names; not sent off the machine."""
    capture: int | None = None
    """Milliseconds after the alert for which the rule wants a recording of what happens (0: as configured); None: no
    recording. Not sent off the machine."""
    shadow: bool = False
    """True: its rule is in shadow mode. The alert is counted and kept as a sample; only sinks whose route asks for such
    alerts get it, and no responder acts on it."""

    def message(self) -> str:
        """Return the rendered output."""
        return self.template.render(self.values)


def alert_id(time: int, identity: str, rule: str) -> str:
    """Return a UUIDv8 (RFC 9562): 48 bits of the event's milliseconds, then a hash of the event's identity and the
    rule."""
    digest = blake2b(as_bytes(f"{identity}\0{rule}"), digest_size=10).digest()
    number = ((time // 1_000_000) & (1 << 48) - 1) << 80 | int.from_bytes(digest)
    number = number & ~(0xF << 76) | 8 << 76
    number = number & ~(3 << 62) | 2 << 62
    text = f"{number:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
