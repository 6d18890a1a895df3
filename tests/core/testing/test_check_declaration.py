"""Defects of declarations, fields and formats that the kit finds; correct ones pass."""

import asyncio
import time
from typing import Any

import pytest

from mozu.core.api import (
    Alert,
    Field,
    FieldsDeclaration,
    FieldType,
    FormatDeclaration,
    Settings,
    Stamp,
)
from mozu.core.delivery.encode import FORMATS
from mozu.core.testing.broken import ContractAdvice
from mozu.testing import check_declaration, check_sink
from tests.core.testing.acme import CLIENT, UPPER, Bell, bell, geo, says, visit, visits

pytestmark = pytest.mark.usefixtures("impatient")


@pytest.mark.parametrize("declaration", [visits(), geo({"a": "DE"}), CLIENT, UPPER], ids=lambda one: one.name)
def test_what_keeps_its_contract_passes(declaration: Any) -> None:
    asyncio.run(check_declaration(declaration, events=[visit("a"), visit("b", 1)]))


@pytest.mark.parametrize("raised", [SystemExit(0), KeyError("url")])
def test_a_component_that_cannot_be_built_is_found(raised: BaseException) -> None:
    def build() -> Bell:
        raise raised

    for check in (check_sink(build, blocking=True), check_declaration(bell(lambda settings, context: build()))):
        assert f"`build` raised {type(raised).__name__}: " in says(check)


def field(name: str = "acme.x", **more: Any) -> FieldsDeclaration:
    given = {"type": FieldType.STRING, "doc": "X.", "read": lambda event: "x", **more}
    return FieldsDeclaration(name="acme", summary="Fields.", fields=(Field(name=name, **given),))


@pytest.mark.parametrize(
    ("declaration", "sentence"),
    [
        (field("acme"), "its field 'acme' is no name of a field"),
        (field(read=None), "its field 'acme.x' has no reader; give it `read` or `bind`"),
        (field(bind=lambda argument, kind: None), "has both `read` and `bind`"),
        (field(needs=frozenset({"cdw"})), "needs 'cdw', which is no part of the state; did you mean 'cwd'?"),
        (field(read=lambda event: b"x", sources=frozenset({"acme"})), "string takes str, not bytes"),
    ],
)
def test_a_field_that_is_wrong_is_found(declaration: FieldsDeclaration, sentence: str) -> None:
    assert sentence in says(check_declaration(declaration, events=[visit("a")]))


def test_a_field_without_a_sentence_is_warned_of() -> None:
    with pytest.warns(ContractAdvice, match="SHOULD have a `doc` of one sentence"):
        asyncio.run(check_declaration(field(doc="")))


def test_a_setting_without_a_sentence_is_warned_of() -> None:
    class Undescribed(Settings):
        path: str = ""

    declaration = bell(lambda settings, context: Bell(), settings=Undescribed)
    with pytest.warns(ContractAdvice, match="the setting path SHOULD have a `description`"):
        asyncio.run(check_declaration(declaration))


def test_what_should_be_does_not_hide_what_must_be() -> None:
    declaration = bell(lambda settings, context: Bell("exits"), summary="rings")
    with pytest.warns(ContractAdvice, match="bell: `summary` SHOULD be a sentence, with its full stop"):
        assert says(check_declaration(declaration)) == "`deliver` raised SystemExit: 0"


class Format:
    """A format, and possible defects of it."""

    def __init__(self, wrong: str) -> None:
        self._wrong = wrong
        if wrong == "build exits":
            raise SystemExit(0)

    def encode(self, alert: Alert, stamp: Stamp | None = None) -> bytes:
        if self._wrong == "blocks":
            time.sleep(0.9)  # a defect that the kit must find
        if self._wrong == "raises":
            alert.rule.encode()  # fails if the text has surrogates
        text: Any = {"text": "text", "line end": alert.rule.encode("utf-8", "replace")}.get(self._wrong, b"record")
        return text  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ("build exits", "`build` raised SystemExit: 0"),
        ("blocks", "`encode` MUST NOT block the event loop"),
        ("raises", "`encode` raised UnicodeEncodeError"),
        ("text", "`encode` MUST give bytes, not str"),
        ("line end", "`encode` MUST NOT put a line end into a record"),
    ],
)
def test_a_format_that_breaks_its_contract_is_found(wrong: str, sentence: str) -> None:
    declaration = FormatDeclaration(name="f", summary="F.", content_type="x/y", build=lambda options: Format(wrong))
    assert sentence in says(check_declaration(declaration))


@pytest.mark.parametrize("declaration", FORMATS.values(), ids=lambda one: one.name)
def test_the_formats_of_mozu_keep_their_contract(declaration: FormatDeclaration) -> None:
    asyncio.run(check_declaration(declaration))
