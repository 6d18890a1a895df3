"""Packed alerts: the compact form of alerts in a queue's memory and in a spool.

Parts that all alerts of a rule have in common (rule, priority, template, tags) are in an `AlertForm`, which they share;
the alert itself is one bytes object, MessagePack of little more than its values, in the order of the template's
references. Values keep their types, so that any encoder can be used later. An alert is packed once for all its sinks.
"""

from collections.abc import Iterable
from functools import cached_property
from typing import Any, Final

import msgspec

from mozu.core.delivery.plain import envelope_fault, notes_fault, plain_alert
from mozu.core.isolation.ends import is_ours
from mozu.core.model.alert import NO_NOTES, Alert, RuleNotes, Severity, Template
from mozu.core.model.event import as_bytes, as_text

MOST_FORMS: Final = 1_024
"""Most forms in a cache; a rule has one form."""
_RAW_TEXT: Final = 1
"""MessagePack extension: text that is not UTF-8, as its bytes."""
_ALERT_BYTES: Final = 153
"""Memory of a packed alert in a queue besides its body: measured with tracemalloc (docs/operate/benchmarks.md)."""
_FORM_FACTOR: Final = 4
"""Memory of a form for each byte of its serialization, measured roughly."""


class AlertForm(msgspec.Struct, frozen=True, array_like=True, dict=True):
    """Parts that the alerts of one rule share."""

    rule: str
    priority: Severity
    source: str
    template: Template
    tags: tuple[str, ...]
    rule_id: str = ""
    next: str = ""
    notes: RuleNotes = NO_NOTES
    shadow: bool = False

    @cached_property
    def raw(self) -> bytes:
        """The form's serialization."""
        return _form_encoder.encode(self)

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """Keys of the values, in the order in which a body holds them."""
        return tuple(dict.fromkeys(ref.key for ref in self.template.refs()))


class PackedAlert(msgspec.Struct, frozen=True, gc=False):
    """An alert in packed form."""

    form: AlertForm
    body: bytes
    own_form: int = 0
    """Bytes of memory of the form if it was made for this alert alone; else 0."""

    @property
    def size(self) -> int:
        """Bytes of memory that the alert takes in a queue."""
        return len(self.body) + self.own_form + _ALERT_BYTES

    @property
    def is_notice(self) -> bool:
        """True for mozu's own notices (source `internal`)."""
        return self.form.source == "internal"


def size_of(alerts: Iterable[PackedAlert]) -> int:
    """Return the bytes of memory that these alerts take together."""
    return sum(alert.size for alert in alerts)


class AlertBody(msgspec.Struct, array_like=True):
    """Parts that belong to a single alert."""

    time: int
    id: str
    hostname: str
    event_type: str
    event_num: int
    incomplete: tuple[str, ...]
    values: list[Any]
    enrichment: dict[str, Any] = {}
    correlation_uid: str = ""


class _BodyTime(msgspec.Struct, array_like=True):
    """The first member of an `AlertBody`; decoding skips the others."""

    time: int


def _extension(code: int, data: memoryview) -> str:
    if code != _RAW_TEXT:
        raise ValueError(f"a packed alert has no extension {code}")
    return as_text(bytes(data))


_form_encoder, _form_decoder = msgspec.msgpack.Encoder(), msgspec.msgpack.Decoder(AlertForm)
_time_decoder = msgspec.msgpack.Decoder(_BodyTime)
_body_encoder, _body_decoder = msgspec.msgpack.Encoder(), msgspec.msgpack.Decoder(AlertBody, ext_hook=_extension)


_Key = tuple[int, str, Severity, str, tuple[str, ...], str, str, RuleNotes, bool]
"""Parts that alerts of one form have in common, with the template by its `id`."""


class AlertPacker:
    """Packer of alerts; alerts of one rule share a template, whose form is made once."""

    def __init__(self) -> None:
        self._forms: dict[_Key, AlertForm] = {}
        self._are_many = False
        """True once there were more forms than rules can have: alerts then count the memory of their own forms."""
        self._buffer = bytearray()
        """Buffer of the encoder, whose own bytes objects are larger than necessary."""

    def pack(self, alert: Alert) -> PackedAlert:
        """Return the packed alert; never raises. The values of an alert that MessagePack cannot encode are replaced by
        text, so that no alert stops another."""
        try:
            return self._pack(alert)
        except BaseException as error:  # what one alert contains stops no other
            if is_ours(error):
                raise
            return self._pack(plain_alert(alert, error))

    def _pack(self, alert: Alert) -> PackedAlert:
        key = (
            id(alert.template), alert.rule, alert.priority, alert.source, alert.tags, alert.rule_id, alert.next,
            alert.notes, alert.shadow,
        )  # fmt: skip
        form, own = self._forms.get(key), 0
        if form is None:
            form = self._form(key, alert)
            own = _FORM_FACTOR * len(form.raw) if self._are_many else 0
        values, more = list(map(alert.values.get, form.keys)), alert.enrichment
        # as an `AlertBody` is encoded; a tuple is made in a third of its time
        head = (alert.time, alert.id, alert.hostname, alert.event_type, alert.event_num, alert.incomplete)
        last = (alert.correlation_uid,) if alert.correlation_uid else ()
        try:
            _body_encoder.encode_into((*head, values, more, *last), self._buffer)
        except UnicodeEncodeError:  # paths and arguments that are no UTF-8
            more = {key: _storable(value) for key, value in more.items()}
            _body_encoder.encode_into((*head, list(map(_storable, values)), more, *last), self._buffer)
        return PackedAlert(form, bytes(self._buffer), own)

    def _form(self, key: _Key, alert: Alert) -> AlertForm:
        fault = envelope_fault(alert) or notes_fault(alert)
        if fault is not None:
            raise fault
        if len(self._forms) >= MOST_FORMS:
            self._forms.clear()
            self._are_many = True
        form = AlertForm(
            alert.rule, alert.priority, alert.source, alert.template, alert.tags, alert.rule_id, alert.next,
            alert.notes, alert.shadow,
        )  # fmt: skip
        assert form.raw  # where it can be serialized
        self._forms[key] = form  # it keeps the template, so that no other one can get its id
        return form


def unpack(packed: PackedAlert) -> Alert:
    """Return the alert. Raises msgspec.MsgspecError or ValueError for an invalid body."""
    form, body = packed.form, unpack_body(packed)
    found = body.values
    if list in map(type, found):
        try:
            found = [_loaded(value) for value in found]
        except RecursionError as error:
            raise ValueError(str(error)) from error
    values = dict(zip(form.keys, found, strict=True))
    return Alert(
        rule=form.rule,
        priority=form.priority,
        source=form.source,
        time=body.time,
        template=form.template,
        values=values,
        tags=form.tags,
        rule_id=form.rule_id,
        next=form.next,
        notes=form.notes,
        shadow=form.shadow,
        event_type=body.event_type,
        event_num=body.event_num,
        hostname=body.hostname,
        id=body.id,
        incomplete=body.incomplete,
        enrichment=body.enrichment,
        correlation_uid=body.correlation_uid,
    )


def unpack_body(packed: PackedAlert) -> AlertBody:
    """Return the decoded body. Raises msgspec.MsgspecError or ValueError for an invalid body."""
    try:
        return _body_decoder.decode(packed.body)
    except (RecursionError, TypeError, OverflowError) as error:
        raise ValueError(str(error)) from error


def time_of(body: bytes) -> int:
    """Return the time of the alert's event, ns since the epoch. Raises msgspec.MsgspecError for an invalid body."""
    return _time_decoder.decode(body).time


def unpack_form(raw: bytes) -> AlertForm:
    """Return the form. Raises msgspec.MsgspecError or ValueError for an invalid one."""
    try:
        return _form_decoder.decode(raw)
    except (RecursionError, TypeError, OverflowError) as error:
        raise ValueError(str(error)) from error


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        if value.isascii():
            return value
        raw = as_bytes(value)
        return value if raw.decode("utf-8", "replace") == value else msgspec.msgpack.Ext(_RAW_TEXT, raw)
    if isinstance(value, tuple | list):
        return [_storable(item) for item in value]
    return value


def _loaded(value: Any) -> Any:
    return tuple(map(_loaded, value)) if type(value) is list else value
