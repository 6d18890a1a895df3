"""Causes are documented, and explain what they say and nothing else."""

import re

import pytest

from tests.oracle.causes import CAUSES, Case, causes_of
from tests.oracle.compare import Difference
from tests.support.requirements import ROOT

EMPTY = Case({}, "", {}, False)


def cause(difference: Difference, case: Case = EMPTY) -> str:
    return causes_of([difference], case)[0]


def test_every_cause_is_a_heading_of_the_document_and_every_such_heading_a_cause() -> None:
    text = (ROOT / "docs" / "falco-compatibility.md").read_text()
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
