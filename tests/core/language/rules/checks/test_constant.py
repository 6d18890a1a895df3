"""Rules that never or always match get a warning, at the part of the condition that decides."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mozu.core.language.rules import Code, load, plugin_fields, review
from mozu.core.model.fields import FieldRegistry
from mozu.core.model.fields.builtin import builtin_fields

FIELDS = FieldRegistry((*builtin_fields(), *plugin_fields()))
Warned = Callable[[str], list[str]]


def warnings(path: Path) -> list[str]:
    codes = (Code.LINT_NEVER_TRUE, Code.LINT_ALWAYS_TRUE)
    found = [one for one in review(load([path], FIELDS).rules, FIELDS) if one.code in codes]
    return [one.message for one in found if " for every " in one.message]


@pytest.fixture
def warned(tmp_path: Path) -> Warned:
    def of(condition: str) -> list[str]:
        (tmp_path / "r.yaml").write_text(
            f"- macro: never\n  condition: evt.num = 0\n"
            f"- rule: r\n  desc: d\n  output: o\n  priority: INFO\n  condition: {condition}\n"
        )
        return warnings(tmp_path / "r.yaml")

    return of


NEVER = [
    ("evt.type = open and evt.type = connect", "evt.type = open and evt.type = connect", ""),
    ("evt.type = open and (proc.name = a and proc.name = b)", "proc.name = a and proc.name = b", ""),
    ("evt.type = kill and proc.pid = 1 and proc.pid = 2", None, ""),
    ("evt.type = connect and fd.sip = 1.1.1.1 and fd.sip = 2.2.2.2", None, ""),
    ("evt.type = open and proc.name in (a, b) and not proc.name in (a, b, c)", None, ""),
    ("evt.type = openat and fd.rport = 80", "fd.rport = 80", " of type openat"),
    ("evt.type in (pipe, openat) and fd.cip = ::1", "fd.cip = ::1", " of type openat, pipe"),
    ("evt.type = setuid and fd.name startswith /etc", "fd.name startswith /etc", " of type setuid"),
]


@pytest.mark.parametrize(("condition", "part", "types"), NEVER)
def test_a_rule_that_never_matches_is_warned_of(warned: Warned, condition: str, part: str | None, types: str) -> None:
    expected = f"the rule `r` never matches: `{part or condition}` is false for every event{types}"

    assert [expected] == warned(condition)


@pytest.mark.parametrize("condition", ["evt.type = open or evt.type != open", "proc.name = a or not proc.name = a"])
def test_a_rule_that_always_matches_is_warned_of(warned: Warned, condition: str) -> None:
    assert [f"the rule `r` always matches: `{condition}` is true for every event"] == warned(condition)


@pytest.mark.parametrize("part", ["proc.name != a or proc.name != b", "fd.num != 1 or fd.num != 2"])
def test_tests_that_exclude_nothing_together_are_warned_of(warned: Warned, part: str) -> None:
    assert [f"`{part}` is true for every value of the field"] == warned(f"evt.type = connect and ({part})")


@pytest.mark.parametrize(
    "condition",
    [
        "evt.type = open",
        "evt.type = open and never",
        "evt.type = open and proc.name in ()",
        "evt.type = open and not evt.num = 0",
        "evt.type in (openat, connect) and fd.rport = 80",
        "evt.type = openat and (fd.rport = 80 or fd.name = /x)",
        "evt.type = openat and not fd.rport = 80",
        "evt.type = openat and fd.ip != 1.2.3.4",
        "evt.type = connect and fd.sport = 80 and fd.sport = http",
        "evt.type = connect and (fd.sport != 80 or fd.sport != http)",
        "evt.type = connect and fd.snet = 10.0.0.0/8 and fd.snet = 10.1.0.0/16",
        "evt.type = connect and fd.port = 80 and fd.port = 81",
        "evt.type = execve and proc.aname = a and proc.aname = b",
        "evt.type = execve and container.image.repository = nginx",
        "evt.type in (dup, accept, pidfd_getfd) and fd.rport = 80",
    ],
)
def test_a_rule_that_an_event_decides_is_not_warned_of(warned: Warned, condition: str) -> None:
    assert [] == warned(condition)


def test_a_warning_about_a_macro_is_placed_in_the_macro(tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text(
        "- macro: both\n  condition: proc.name = a and proc.name = b\n"
        "- rule: r\n  desc: d\n  output: o\n  priority: INFO\n  condition: evt.type = open and both\n"
    )

    problems = review(load([tmp_path / "r.yaml"], FIELDS).rules, FIELDS)

    assert [(2, 14)] == [one.place for one in problems if one.code is Code.LINT_NEVER_TRUE]
