"""Serialization of alerts in the spool (MessagePack): typed values, so that any encoder can be used later.

What every alert of a rule has in common (rule, priority, template, tags) is a `SpoolForm` and is stored once; an
alert is then little more than its values, in the order of the template's references.
"""

from typing import Any

import msgspec

from mozu.core.delivery.plain import plain_alert
from mozu.core.model.alert import Alert, Severity, Template
from mozu.core.model.event import as_bytes, as_text

_RAW_TEXT = 1
"""MessagePack extension: text that is not UTF-8, as its bytes."""
MOST_FORMS = 1_024
"""Those that a cache holds at most: a rule has one, and each text of a notice."""


class SpoolForm(msgspec.Struct, frozen=True, array_like=True):
    """What the alerts of one rule share."""

    rule: str
    priority: Severity
    source: str
    template: Template
    tags: tuple[str, ...]


class SpoolBody(msgspec.Struct, array_like=True):
    """What is an alert's own."""

    time: int
    id: str
    hostname: str
    event_type: str
    event_num: int
    incomplete: tuple[str, ...]
    values: list[Any]
    enrichment: dict[str, Any] = {}


def _extension(code: int, data: memoryview) -> str:
    if code != _RAW_TEXT:
        raise ValueError(f"a spool has no extension {code}")
    return as_text(bytes(data))


_form_encoder, _form_decoder = msgspec.msgpack.Encoder(), msgspec.msgpack.Decoder(SpoolForm)
_body_encoder, _body_decoder = msgspec.msgpack.Encoder(), msgspec.msgpack.Decoder(SpoolBody, ext_hook=_extension)


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
    return tuple(_loaded(item) for item in value) if isinstance(value, list) else value


class SpoolEncoder:
    """Encodes alerts; those of one rule share a template, whose form is made once."""

    def __init__(self) -> None:
        self._known: dict[tuple[Any, ...], tuple[Template, bytes, tuple[str, ...]]] = {}

    def encode(self, alert: Alert) -> tuple[bytes, bytes]:
        """(form, body). An alert that MessagePack cannot hold is stored with its values replaced by text: what one
        alert contains stops no other."""
        try:
            return self._encode(alert)
        except Exception as error:  # noqa: BLE001  as above
            return self._encode(plain_alert(alert, error))

    def _encode(self, alert: Alert) -> tuple[bytes, bytes]:
        key = (id(alert.template), alert.rule, alert.priority, alert.source, alert.tags)
        known = self._known.get(key)
        if known is None:
            known = self._make(key, alert)
        _, form, keys = known
        values = alert.values
        body = SpoolBody(
            alert.time,
            alert.id,
            alert.hostname,
            alert.event_type,
            alert.event_num,
            alert.incomplete,
            [_storable(values.get(key)) for key in keys],
            {key: _storable(value) for key, value in alert.enrichment.items()},
        )
        return form, _body_encoder.encode(body)

    def _make(self, key: tuple[Any, ...], alert: Alert) -> tuple[Template, bytes, tuple[str, ...]]:
        if len(self._known) >= MOST_FORMS:
            self._known.clear()
        form = SpoolForm(alert.rule, alert.priority, alert.source, alert.template, alert.tags)
        keys = tuple(dict.fromkeys(ref.key for ref in alert.template.refs()))
        # the template is kept, so that no other one can get its id
        known = self._known[key] = (alert.template, _form_encoder.encode(form), keys)
        return known


def decode_form(raw: bytes) -> SpoolForm:
    """Raises msgspec.MsgspecError or ValueError for what is no form."""
    try:
        return _form_decoder.decode(raw)
    except (RecursionError, TypeError, OverflowError) as error:
        raise ValueError(str(error)) from error


def decode_alert(form: SpoolForm, raw: bytes) -> Alert:
    """Raises msgspec.MsgspecError or ValueError for what is no body."""
    keys = dict.fromkeys(ref.key for ref in form.template.refs())
    try:
        body = _body_decoder.decode(raw)
        values = dict(zip(keys, map(_loaded, body.values), strict=True))
    except (RecursionError, TypeError, OverflowError) as error:
        raise ValueError(str(error)) from error
    return Alert(
        rule=form.rule,
        priority=form.priority,
        source=form.source,
        time=body.time,
        template=form.template,
        values=values,
        tags=form.tags,
        event_type=body.event_type,
        event_num=body.event_num,
        hostname=body.hostname,
        id=body.id,
        incomplete=body.incomplete,
        enrichment=body.enrichment,
    )
