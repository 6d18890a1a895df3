"""An alert: typed values, not text."""

from hashlib import blake2b

import msgspec

from mozu.core.model.alert.notes import NO_NOTES, RuleNotes
from mozu.core.model.alert.severity import Severity
from mozu.core.model.alert.template import Template
from mozu.core.model.event import as_bytes
from mozu.core.model.value_types import FieldValue


class Alert(msgspec.Struct, kw_only=True):
    """What a rule says about an event."""

    rule: str
    """The rule's name."""
    priority: Severity
    source: str
    time: int
    """The event's time, ns since the epoch."""
    template: Template
    values: dict[str, FieldValue]
    """Key of each `Ref` → typed value (None where missing): int, float, bool, str, bytes, or a tuple of these."""
    tags: tuple[str, ...] = ()
    """Sorted."""
    event_type: str = ""
    event_num: int = 0
    hostname: str = ""
    rule_id: str = ""
    """The rule's own id, which stays when its name changes; empty where it has none."""
    next: str = ""
    """What the rule advises to do next; empty where it says nothing."""
    notes: RuleNotes = NO_NOTES
    """The rule's notes for the receivers of its alerts; alerts of one rule share them."""
    id: str = ""
    """Stable: evaluating the same event again gives the same id. The core fills it, and `hostname`. A ready alert of a
    source may have its own; otherwise its id is made from `event_num`, or where that is 0 from a running number."""
    correlation_uid: str = ""
    """The id of the first alert of those that belong together (core/flow/correlation.py); empty where there is no
    process that could say so. The core fills it."""
    enrichment: dict[str, FieldValue] = msgspec.field(default_factory=dict)
    """Field → JSON value (text, number, bool, list, None) of what encoders want besides the output
    (`Context.requested_fields`); shown by no format that has no place for it."""
    incomplete: tuple[str, ...] = ()
    """Enrichers that had not answered when their deadline passed."""
    respond: tuple[str, ...] = ()
    """Responders that the rule names; stays with the machine, too."""
    capture: int | None = None
    """The rule wants a recording of what happens around it, for so many ms after it (0: as configured); None: not. It
    stays with the machine that raised the alert."""

    def message(self) -> str:
        """The rendered output."""
        return self.template.render(self.values)


def alert_id(time: int, identity: str, rule: str) -> str:
    """A UUIDv8 (RFC 9562): 48 bits of the event's milliseconds, then a hash of the event's identity and the rule."""
    digest = blake2b(as_bytes(f"{identity}\0{rule}"), digest_size=10).digest()
    number = ((time // 1_000_000) & (1 << 48) - 1) << 80 | int.from_bytes(digest)
    number = number & ~(0xF << 76) | 8 << 76
    number = number & ~(3 << 62) | 2 << 62
    text = f"{number:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
