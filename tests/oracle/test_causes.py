"""Causes are documented, and each explains the differences that it names and no others."""

import re

import pytest

from mozu.core.language.rules import SourceFile, load_texts
from mozu.core.model.alert import Alert, Severity
from mozu.core.model.alert.template import Ref, Template
from mozu.core.model.fields import FieldRegistry
from mozu.core.model.fields.builtin import builtin_fields
from mozu.core.model.value_types import FieldValue
from tests.oracle.causes import CAUSES, Case, causes_of
from tests.oracle.compare import REFUSED, Difference
from tests.oracle.readings import READINGS
from tests.support.requirements import ROOT

EMPTY = Case({}, "", {}, False)


def cause(difference: Difference, case: Case = EMPTY) -> str:
    return causes_of([difference], case)[0]


def test_every_cause_is_a_heading_of_the_document_and_every_such_heading_a_cause() -> None:
    text = (ROOT / "docs" / "rules" / "falco-compatibility.md").read_text()
    assert set(re.findall(r"^### `([a-z-]+)`$", text, re.M)) == set(CAUSES)


@pytest.mark.parametrize(
    "difference",
    [
        Difference(0, "r", "t", "", None, {"rule": "r"}),
        Difference(0, "r", "t", "", {"rule": "r"}, None),
        Difference(0, "(order)", "", "order", [], []),
        Difference(0, "(run)", "", "status", "", "an error"),
        Difference(1, "r", "t", "output", "a", "b"),
        Difference(2, "r", "t", "proc.name", "a", "b"),
        Difference(2, "r", "t", "evt.args", "uid=5(games)", "uid=6(<NA>)"),
        Difference(2, "r", "t", "fd.name", "/a", "/b"),
        Difference(2, "r", "t", "fd.types", ["file"], ["pipe"]),
        Difference(2, "r", "t", "fd.l4proto", "udp", "tcp"),
        Difference(2, "r", "t", "fd.l4proto", "<NA>", "tcp"),
        Difference(2, "r", "t", "fd.name", "<unknown>", ""),
        Difference(2, "r", "t", "fd.name", "<unknown>", "/etc/passwd"),
        Difference(2, "r", "t", "evt.arg.mode", "S_IFCHR", "S_IRUSR|S_IFBLK"),
        Difference(2, "r", "t", "evt.arg.mode", "S_IFREG", "S_IFCHR|S_IFBLK"),
        Difference(2, "r", "t", "proc.name", "S_IFCHR", "S_IFCHR|S_IFBLK"),
    ],
)
def test_what_nobody_documented_has_no_cause(difference: Difference) -> None:
    assert cause(difference) == ""


@pytest.mark.parametrize(
    ("difference", "expected"),
    [
        (Difference(2, "r", "t", "fd.types", ["file", "pipe"], ["pipe", "file"]), "order-of-lists"),
        (Difference(2, "r", "t", "fd.name", "<unknown>", "1.2.3.4:5->6.7.8.9:10"), "sockets-without-a-name"),
        (Difference(2, "r", "t", "evt.arg.mode", "S_IRUSR|S_IFCHR", "S_IRUSR|S_IFCHR|S_IFBLK"), "block-devices"),
        (Difference(2, "r", "t", "user.name", "games", "<NA>"), "names-of-the-reading-machine"),
        (Difference(2, "r", "t", "evt.args", "uid=5(games)", "uid=5(<NA>)"), "names-of-the-reading-machine"),
    ],
)
def test_values_have_causes(difference: Difference, expected: str) -> None:
    assert cause(difference) == expected


def having(condition: str) -> Case:
    """Return the case of a run with one rule."""
    text = f"- {{rule: r, desc: d, condition: {condition!r}, output: o, priority: INFO}}"
    result = load_texts([SourceFile("rules.yaml", text)], FieldRegistry(builtin_fields()))
    return Case({rule.name: rule for rule in result.rules.rules}, text, {}, False)


ONLY_FALCO = Difference(0, "r", "t", "", {"rule": "r"}, None)
ONLY_MOZU = Difference(0, "r", "t", "", None, {"rule": "r"})


@pytest.mark.parametrize("name", READINGS)
def test_a_rule_that_matches_on_one_side_has_the_cause_by_which_it_matches_as_in_falco(name: str) -> None:
    def case(*times: str) -> Case:
        return Case({}, "", {}, False, read={(name, "r"): frozenset(times)})

    assert [cause(ONLY_MOZU, case()), cause(ONLY_FALCO, case("t"))] == [name, name]
    assert [cause(ONLY_MOZU, case("t")), cause(ONLY_FALCO, case("later"))] == ["", ""]


@pytest.mark.parametrize(
    "difference",
    [
        Difference(2, "r", "t", "fd.ip", "1.2.3.4", "1.2.3.5"),
        Difference(0, "r", "t", "priority", None, "Warning"),
        Difference(1, "r", "t", "", None, "Warning"),
        Difference(0, "another", "t", "", None, {"rule": "another"}),
    ],
    ids=["a value", "a property of the alert", "a text", "another rule"],
)
def test_a_condition_explains_nothing_but_whether_its_rule_matched(difference: Difference) -> None:
    read: dict[tuple[str, str], frozenset[str]] = {(name, "r"): frozenset() for name in READINGS}
    assert cause(difference, Case({}, "", {}, False, read=read)) == ""


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (r'proc.name = "\x41"', "hexadecimal-escapes"),
        ("container.label.app = a", "dotted-keys-of-labels"),
        ("container.label[app] = a", ""),
        ("proc.name = a", ""),
    ],
)
def test_rules_that_only_mozu_loads_have_what_falco_refuses(condition: str, expected: str) -> None:
    accepted = Difference(0, "(run)", "its end", "status", REFUSED, "0 alerts, ''")
    assert cause(accepted, having(condition)) == expected


def test_an_error_of_mozu_is_not_explained_by_what_falco_refuses() -> None:
    failed = Difference(0, "(run)", "its end", "status", "", "an error")
    assert cause(failed, having("container.label.app = a")) == ""


def test_an_error_of_mozu_where_falco_has_one_too_is_no_rule_that_only_mozu_loads() -> None:
    accepted = Difference(0, "(run)", "its end", "status", REFUSED, "1 alert, 'an error'")
    assert cause(accepted, Case({}, "container.label.app", {}, False)) == ""


LENGTH = Template(("name=", Ref("proc.name", "string"), " len=", Ref("len(proc.name)", "uint", is_field=False)))
UPPER = Template(("name=", Ref("proc.name", "string"), " upper=", Ref("toupper(proc.name)", "string", is_field=False)))
PLAIN = Template(("name=", Ref("proc.name", "string"), " fd=", Ref("fd.num", "uint")))


@pytest.mark.parametrize(
    ("template", "expected", "found"),
    [
        (LENGTH, "12:00: name=cat len=<NA>", "numbers-from-transformers"),
        (LENGTH, "12:00: name=dog len=<NA>", ""),
        (LENGTH, "12:00: name=cat len=4", ""),
        (UPPER, "12:00: name=cat upper=<NA>", ""),
        (PLAIN, "12:00: name=cat fd=<NA>", ""),
    ],
    ids=["a number", "another name", "another number", "a text of a transformer", "a field that is a number"],
)
def test_numbers_of_transformers_explain_a_text_that_is_equal_without_them(
    template: Template, expected: str, found: str
) -> None:
    values: dict[str, FieldValue] = {"proc.name": "cat", "len(proc.name)": 3, "toupper(proc.name)": "CAT", "fd.num": 3}
    alert = Alert(rule="r", priority=Severity.NOTICE, source="syscall", time=0, template=template, values=values)
    case = Case({}, "", {("r", "t"): [alert]}, False)
    for key in ("output", "message"):
        assert cause(Difference(1, "r", "t", key, expected, "x"), case) == found
    assert cause(Difference(1, "r", "t", "priority", expected, "x"), case) == ""
    assert cause(Difference(2, "r", "t", "output", expected, "x"), case) == ""
    assert cause(Difference(1, "r", "later", "output", expected, "x"), case) == ""


@pytest.mark.parametrize(
    "difference",
    [
        Difference(1, "r", "t", "fd.name", "<unknown>", "1.2.3.4:5->6.7.8.9:10"),
        Difference(2, "r", "t", "fd.name", "<unknown>", None),
        Difference(2, "r", "t", "fd.name", ["<unknown>"], "1.2.3.4:5->6.7.8.9:10"),
        Difference(2, "r", "t", "fd.name", "<NA>", "1.2.3.4:5->6.7.8.9:10"),
        Difference(2, "r", "t", "fd.name", "<unknown>", "::1:5->6.7.8.9:10"),
        Difference(2, "r", "t", "user.name", "games", "root"),
        Difference(2, "r", "t", "proc.name", "cat", "<NA>"),
        Difference(1, "r", "t", "user.name", "games", "<NA>"),
    ],
)
def test_values_near_those_of_a_cause_have_none(difference: Difference) -> None:
    assert cause(difference) == ""


def test_a_text_keeps_its_own_cause() -> None:
    text = Difference(1, "r", "t", "output", "name=cat len=<NA>", "name=cat len=3")
    alert = Alert(
        rule="r", priority=Severity.NOTICE, source="syscall", time=0, template=LENGTH, values={"proc.name": "cat"}
    )
    case = Case({}, "", {("r", "t"): [alert]}, False)
    kinds = Difference(2, "r", "t", "fd.types", ["file", "pipe"], ["pipe", "file"])
    assert causes_of([text, kinds], case) == ("numbers-from-transformers", "order-of-lists")


def test_a_property_of_an_alert_is_not_explained_by_its_fields() -> None:
    other = Difference(1, "r", "t", "priority", "Notice", "Warning")
    assert causes_of([other, NAMELESS], EMPTY)[0] == ""


NAMELESS = Difference(2, "r", "t", "fd.name", "<unknown>", "1.2.3.4:5->6.7.8.9:10")
NO_TRANSPORT = Difference(2, "r", "t", "fd.l4proto", "<NA>", "tcp")
TEXT = Difference(1, "r", "t", "output", "<unknown> <NA>", "y")


def test_a_text_is_explained_by_the_fields_of_its_alert() -> None:
    assert set(causes_of([TEXT, NAMELESS, NO_TRANSPORT], EMPTY)) == {"sockets-without-a-name"}


def test_a_transport_is_explained_in_the_alert_of_a_nameless_socket_only() -> None:
    elsewhere = Difference(2, "r", "later", "fd.l4proto", "<NA>", "tcp")
    assert causes_of([NAMELESS, elsewhere], EMPTY) == ("sockets-without-a-name", "")


def test_one_unexplained_field_leaves_the_text_unexplained() -> None:
    assert causes_of([TEXT, NO_TRANSPORT, Difference(2, "r", "t", "proc.name", "a", "b")], EMPTY)[0] == ""


def test_names_that_the_recording_lists_are_not_excused() -> None:
    difference = Difference(2, "r", "t", "user.name", "mira", "<NA>")
    assert cause(difference, Case({}, "", {}, True)) == ""
