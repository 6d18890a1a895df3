"""Properties of every format: one line, valid UTF-8, no terminal control sequences, never an exception."""

import json
import re

import msgspec
import pytest

from mozu.core.delivery.encode import FORMATS
from mozu.core.model.fields import FieldRegistry
from mozu.core.model.fields.builtin import builtin_fields
from tests.core.delivery.encode.made import STAMP, hostile, plain

OBEYED = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\U000e0020-\U000e007f\ud800-\udfff]"
)
TEXTS = ("falco", "compact", "cef")

by_format = pytest.mark.parametrize("name", FORMATS)


def encoded(name: str) -> list[bytes]:
    declared = FORMATS[name]
    encoder = declared.build(declared.settings())
    return [encoder.encode(alert, stamp) for alert, stamp in hostile()]


@by_format
def test_no_alert_forges_a_line_or_a_terminal_escape_property(name: str) -> None:
    assert [] == [line for line in encoded(name) if OBEYED.search(line.decode("utf-8"))]


@pytest.mark.parametrize("name", sorted(set(FORMATS) - set(TEXTS)))
def test_every_json_record_is_one_object_property(name: str) -> None:
    assert {"dict"} == {type(json.loads(line)).__name__ for line in encoded(name)}


@pytest.mark.parametrize("name", sorted(set(FORMATS) - {"falco", "compact"}))
def test_the_stamp_has_a_place(name: str) -> None:
    declared = FORMATS[name]
    line = declared.build(declared.settings()).encode(plain(), STAMP).decode()
    assert [True] * 4 == [part in line for part in (STAMP.agent, STAMP.sink, STAMP.epoch, str(STAMP.sequence))]


@by_format
def test_an_alert_encodes_without_a_stamp(name: str) -> None:
    declared = FORMATS[name]
    assert declared.build(declared.settings()).encode(plain())


@by_format
def test_every_wanted_field_exists(name: str) -> None:
    fields = FieldRegistry(builtin_fields())
    assert all(fields.resolve(wanted).text == wanted for wanted in FORMATS[name].requested_fields)


@pytest.mark.parametrize("name", sorted(set(FORMATS) - {"falco"}))
def test_the_rules_own_id_has_a_place(name: str) -> None:
    declared = FORMATS[name]
    alert = msgspec.structs.replace(plain(), rule_id="MZ-0007")
    assert b"MZ-0007" in declared.build(declared.settings()).encode(alert, STAMP)
