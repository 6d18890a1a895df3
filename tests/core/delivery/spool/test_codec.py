import msgspec
import pytest

from mozu.core.delivery.spool.codec import SpoolEncoder, decode_alert, decode_form
from mozu.core.model.alert import Alert, Ref, Severity, Template
from mozu.core.model.value_types import FieldValue

VALUES: dict[str, FieldValue] = {
    "text": "plain",
    "hostile": "a\udc80\x00\x1b",
    "number": (1 << 64) - 1,
    "negative": -5,
    "yes": True,
    "double": 1.5,
    "bytes": b"\x00\xff",
    "list": ("a", ("b", "c\udcff")),
    "missing": None,
}


def an_alert() -> Alert:
    refs = tuple(Ref(name, "string") for name in VALUES)
    return Alert(
        rule="A rule",
        priority=Severity.CRITICAL,
        source="syscall",
        time=1,
        template=Template(("text ", *refs[:3]), refs[3:]),
        values=dict(VALUES),
        tags=("a", "b"),
        event_type="openat",
        event_num=7,
        hostname="h",
        id="i",
        incomplete=("docker",),
        enrichment={"proc.pid": 5, "proc.cwd": "\udc80", "tags": ["a", None]},
    )


def test_an_alert_comes_back_as_it_was() -> None:
    form, body = SpoolEncoder().encode(an_alert())
    assert an_alert() == decode_alert(decode_form(form), body)


def test_alerts_of_one_rule_share_their_form() -> None:
    assert SpoolEncoder().encode(an_alert())[0] == SpoolEncoder().encode(an_alert())[0]


def test_garbage_is_refused() -> None:
    form, body = SpoolEncoder().encode(an_alert())
    with pytest.raises((msgspec.MsgspecError, ValueError)):
        decode_alert(decode_form(form), body[:-3])
