import tracemalloc

import msgspec
import pytest

from mozu.core.delivery import packed_alert
from mozu.core.delivery.fair_queue import FairQueue
from mozu.core.delivery.packed_alert import MOST_FORMS, AlertPacker, PackedAlert, size_of, time_of, unpack, unpack_form
from mozu.core.delivery.plain import REPLACED
from mozu.core.model.alert import Alert, Ref, RuleNotes, Severity, Template
from mozu.core.model.value_types import FieldValue
from mozu.core.testing import alert

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
        rule_id="MZ-0007",
        notes=RuleNotes("what it finds", "why", ("backups",), ("https://a.example",), "stable", "low"),
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
        correlation_uid="019b76da-a800-84d4-9b1b-cad4ebc0bfe7",
    )


def test_an_alert_comes_back_as_it_was() -> None:
    packed = AlertPacker().pack(an_alert())
    assert packed == (read := PackedAlert(unpack_form(packed.form.raw), packed.body))
    assert an_alert() == unpack(packed) == unpack(read)


def test_an_alert_that_an_earlier_version_has_stored_is_read() -> None:
    """Check with an alert whose text, and that of its enrichment, is not UTF-8."""
    template = Template(("text ", Ref("text", "string")), (Ref("list", "string", is_list=True),))
    values: dict[str, FieldValue] = {"text": "a\udc80", "list": ("b", ("c",))}
    stored = msgspec.structs.replace(
        an_alert(), template=template, values=values, enrichment={"proc.cwd": "\udcff"}, notes=RuleNotes(),
        correlation_uid="",
    )
    form = (
        b"\x97\xa6A rule\x02\xa7syscall\x82\xa5parts\x92\xa5text \x88\xa6struct\xa3Ref\xa3key\xa4text\xa4type\xa6string"
        b"\xa6format\xa0\xa5width\x00\xa7is_list\xc2\xa8is_field\xc3\xa7is_time\xc2\xa5extra\x91\x88\xa6struct\xa3Ref\xa3key"
        b"\xa4list\xa4type\xa6string\xa6format\xa0\xa5width\x00\xa7is_list\xc3\xa8is_field\xc3\xa7is_time\xc2\x92\xa1a\xa1b"
        b"\xa7MZ-0007\xa0"
    )
    body = (
        b"\x98\x01\xa1i\xa1h\xa6openat\x07\x91\xa6docker\x92\xd5\x01a\x80\x92\xa1b\x91\xa1c"  # time to values
        b"\x81\xa8proc.cwd\xd4\x01\xff"
    )
    assert stored == unpack(PackedAlert(unpack_form(form), body))


def test_the_time_of_an_alert_is_read_without_its_other_parts() -> None:
    body = AlertPacker().pack(msgspec.structs.replace(an_alert(), time=(1 << 63) - 1)).body
    assert (1 << 63) - 1 == time_of(body)
    with pytest.raises(msgspec.MsgspecError):
        time_of(body[:5])


def test_alerts_of_one_rule_share_their_form() -> None:
    packer, template = AlertPacker(), an_alert().template
    first, second = (packer.pack(msgspec.structs.replace(an_alert(), template=template, time=at)) for at in (1, 2))
    assert first.form is second.form
    assert (0, 0) == (first.own_form, second.own_form)


def test_an_alert_takes_its_body_and_what_python_adds_and_a_form_of_its_own_where_it_has_one() -> None:
    packer = AlertPacker()
    alerts = [packer.pack(an_alert()) for _ in range(MOST_FORMS + 1)]
    sizes = [len(one.body) + packed_alert._ALERT_BYTES for one in alerts]
    sizes[-1] += packed_alert._FORM_FACTOR * len(alerts[-1].form.raw)
    assert (sizes, sum(sizes)) == ([one.size for one in alerts], size_of(alerts))
    assert len(packer._forms) == 1, "those before are kept by their alerts alone"


def test_other_notes_of_the_same_template_are_another_form_and_equal_ones_are_not() -> None:
    packer, alert = AlertPacker(), an_alert()
    forms = [
        packer.pack(msgspec.structs.replace(alert, notes=RuleNotes(description=text))).form for text in ("a", "b", "a")
    ]
    assert (["a", "b", "a"], True) == ([form.notes.description for form in forms], forms[0] is forms[2])


def test_notes_that_are_no_text_cost_the_alert_its_notes_alone() -> None:
    wrong = msgspec.structs.replace(an_alert(), notes=RuleNotes(description=7))  # type: ignore[arg-type]
    assert ("A rule", RuleNotes()) == ((kept := unpack(AlertPacker().pack(wrong))).rule, kept.notes)


def test_another_priority_of_the_same_template_is_another_form() -> None:
    packer, one = AlertPacker(), an_alert()
    worse = msgspec.structs.replace(one, priority=Severity.EMERGENCY)
    assert [Severity.CRITICAL, Severity.EMERGENCY] == [unpack(packer.pack(each)).priority for each in (one, worse)]


def test_what_cannot_be_packed_has_its_values_replaced_by_text() -> None:
    one = an_alert()
    one.values["number"] = 1 << 70
    values = unpack(AlertPacker().pack(one)).values
    assert ("plain", str(1 << 70)) == (values["text"], values["number"])
    assert REPLACED in values


def test_garbage_is_refused() -> None:
    packed = AlertPacker().pack(an_alert())
    with pytest.raises((msgspec.MsgspecError, ValueError)):
        unpack(PackedAlert(packed.form, packed.body[:-3]))


def test_a_body_with_another_number_of_values_than_its_form_has_is_refused() -> None:
    packed, other = AlertPacker().pack(an_alert()), AlertPacker().pack(alert())
    with pytest.raises(ValueError, match="zip"):
        unpack(PackedAlert(packed.form, other.body))


def test_the_bytes_that_are_counted_are_those_that_a_queue_takes() -> None:
    """Compare with tracemalloc, which counts Python's allocations: within a tenth for alerts of any size."""
    packer, template = AlertPacker(), Template(("text ", Ref("text", "string")))
    for length in (0, 100, 1_000):
        queue = FairQueue(1 << 30)
        queue.put(1, packer.pack(msgspec.structs.replace(alert(), template=template, values={"text": "x"})))
        before, counted = tracemalloc_start(), queue.bytes
        for number in range(1_000, 3_000):
            one = msgspec.structs.replace(alert(), template=template, values={"text": "x" * length})
            queue.put(number, packer.pack(one))
        taken = tracemalloc.get_traced_memory()[0] - before
        tracemalloc.stop()
        assert taken == pytest.approx(queue.bytes - counted, rel=0.1)


def tracemalloc_start() -> int:
    """Return the bytes allocated at the start."""
    tracemalloc.start()
    return tracemalloc.get_traced_memory()[0]
