"""The faulty parts of an alert, and the contents of its sanitized copy."""

from typing import Any

import pytest
from msgspec.structs import replace

from mozu.core.delivery.plain import REPLACED, envelope_fault, plain_alert
from mozu.core.model.alert import Ref, Severity, Template
from mozu.core.testing import alert

LARGEST = (1 << 63) - 1
LONGEST = 1_024


def made(**parts: Any) -> Any:
    """Return a sound alert except for these parts."""
    one = replace(alert("rule", name="value"), tags=("a", "b"), incomplete=("docker",), rule_id="R-1", id="i")
    for name, value in parts.items():
        setattr(one, name, value)
    return one


@pytest.mark.parametrize("name", ["rule", "rule_id", "source", "hostname", "event_type", "id"])
def test_a_name_is_a_text_of_bounded_length(name: str) -> None:
    assert envelope_fault(made(**{name: "x" * LONGEST})) is None
    for wrong in ("x" * (LONGEST + 1), b"x", None, 7):
        assert str(envelope_fault(made(**{name: wrong}))) == "a name or a tag is no text, or too long"


@pytest.mark.parametrize("name", ["tags", "incomplete"])
def test_tags_are_texts_of_bounded_length_in_a_tuple(name: str) -> None:
    assert envelope_fault(made(**{name: ("x" * LONGEST,)})) is None
    assert envelope_fault(made(**{name: ()})) is None
    assert str(envelope_fault(made(**{name: ["a"]}))) == "its tags are no texts"
    for wrong in (("a", "x" * (LONGEST + 1)), ("a", 7), (None,)):
        assert str(envelope_fault(made(**{name: wrong}))) == "a name or a tag is no text, or too long"


@pytest.mark.parametrize(
    ("name", "good", "bad", "said"),
    [
        ("next", ["", "x" * 9_999], [None, b"x", 7], "what to do next is no text"),
        ("priority", [Severity.DEBUG], [7, "Notice", None], "it has no priority, or no template"),
        ("template", [Template(())], [None, "x", Template((7,))], "it has no priority, or no template"),  # type: ignore[arg-type]  # no part
        ("time", [0, LARGEST], [-1, LARGEST + 1, True, 1.5, None], "its time or its event's number is none"),
        ("event_num", [-5, 0, 1 << 70], [True, "1", None], "its time or its event's number is none"),
        ("values", [{}], [None, [], ()], "its values are no mapping"),
        ("enrichment", [{}], [None, [], ()], "its values are no mapping"),
    ],
)
def test_what_is_at_fault_is_named(name: str, good: list[Any], bad: list[Any], said: str) -> None:
    assert [None] * len(good) == [envelope_fault(made(**{name: one})) for one in good]
    assert [said] * len(bad) == [str(envelope_fault(made(**{name: one}))) for one in bad]


def test_a_copy_keeps_every_part_that_is_sound() -> None:
    one = made(
        priority=Severity.ERROR, time=5, event_type="open", event_num=7, hostname="h", next="look", tags=("b", "a"),
        template=Template(("text ", Ref("name", "uint", is_field=True)), (Ref("other", "uint", is_field=False),)),
        values={"name": 7, "other": None},
    )  # fmt: skip
    copy = plain_alert(one, ValueError("why"))
    assert one == replace(
        copy, template=one.template, values=one.values, tags=one.tags, rule_id=one.rule_id, enrichment=one.enrichment
    )
    assert ("R-1", ("a", "b")) == (copy.rule_id, copy.tags)
    assert {"name": "7", "other": None, REPLACED: "ValueError: why"} == copy.values
    assert (
        Template(
            ("text ", Ref("name", "string", is_field=True)),
            (Ref("other", "string", is_field=False), Ref(REPLACED, "string")),
        )
        == copy.template
    )


@pytest.mark.parametrize(
    ("name", "given", "kept"),
    [
        ("time", -1, 0), ("time", LARGEST, LARGEST), ("time", LARGEST + 1, LARGEST),
        ("time", "x", 0), ("time", True, 0),
        ("event_num", 0, 0), ("event_num", LARGEST, LARGEST), ("event_num", LARGEST + 1, 0), ("event_num", -1, 0),
        ("event_num", True, 0), ("priority", 3, Severity.CRITICAL), ("priority", Severity.DEBUG, Severity.DEBUG),
        ("rule", "", "unnamed rule"), ("source", "", "unknown"), ("tags", None, ()), ("tags", ["b", 7], ("7", "b")),
        ("tags", tuple("t" for _ in range(70)), ("t",) * 64), ("incomplete", None, ()),
    ],
)  # fmt: skip
def test_what_is_not_sound_is_replaced_by_what_every_sink_takes(name: str, given: Any, kept: Any) -> None:
    assert kept == getattr(plain_alert(made(**{name: given}), ValueError()), name)


def test_a_copy_without_values_has_the_literal_texts_alone_and_the_kind_of_the_error() -> None:
    one = made(template=Template(("text ", Ref("name", "string"))), values={"name": "secret"})
    copy = plain_alert(one, ValueError("secret"), values=False)
    assert {"name": None, REPLACED: "ValueError"} == copy.values
    assert "secret" not in repr(copy)


@pytest.mark.parametrize("template", [None, "text", 7])
def test_an_alert_without_a_template_says_so(template: Any) -> None:
    assert plain_alert(made(template=template), ValueError()).message().startswith("(this alert had no output)")


def test_parts_of_an_output_are_bounded_and_what_is_none_is_text() -> None:
    one = made(template=replace(alert().template, parts=(7, *("x" for _ in range(70))), extra=("no ref",)))
    copy = plain_alert(one, ValueError())
    assert ("7", 64, 1) == (copy.template.parts[0], len(copy.template.parts), len(copy.template.extra))
