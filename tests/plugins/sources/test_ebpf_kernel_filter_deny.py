"""Which conditions are decided before the call, so that a rule may deny it; and the programs made of them."""

import pytest

from mozu.core.cli.pushdown import act_lines, why
from mozu.core.filter.comparison import Comparison
from mozu.core.filter.demand import Demand, Interest
from mozu.core.filter.formula import Formula
from mozu.plugins.sources.ebpf import lsm
from mozu.plugins.sources.ebpf.kernel_filter.deny import PLACES, deny_functions, undenied
from mozu.plugins.sources.ebpf.kernel_filter.deny_program import DENY_PARTS_OF
from mozu.plugins.sources.ebpf.pushdown import pushdown
from mozu.plugins.sources.ebpf.relocatable import RelocatableCode, Symbol
from tests.plugins.sources.test_ebpf_kernel_filter_kill import FIELDS, predicates

OPENS = "evt.type in (open, openat, openat2, creat)"
EXECS = "evt.type in (execve, execveat)"
SENDS = "evt.type in (sendto, sendmsg, sendmmsg)"
OUT = "evt.type = connect and fd.sip = 10.1.2.3 and fd.sport = 443 and fd.l4proto = tcp"


def reason(condition: str, name: str) -> str:
    found = undenied(name, predicates(condition))
    return f"{found.field} {found.op}" if isinstance(found, Comparison) else str(found)


@pytest.mark.parametrize(
    ("condition", "name"),
    [
        (f"{OPENS} and fd.realpath = /etc/shadow", "openat"),
        (f"{OPENS} and fd.realpath startswith /etc/ and evt.is_open_write = true", "openat2"),
        (f"{OPENS} and fd.realpath = /etc/shadow and fd.num >= 0 and evt.failed = false", "creat"),
        (f"{EXECS} and proc.exepath startswith /tmp/", "execve"),
        (f"{EXECS} and evt.res = SUCCESS and proc.is_exe_from_memfd = true", "execveat"),
        (f"{OUT} and evt.rawres >= 0", "connect"),
        (f"{SENDS} and fd.snet = 10.0.0.0/8 and fd.sport = 53 and fd.l4proto = udp", "sendmsg"),
        (f"{SENDS} and fd.sip = 2001:db8::1 and evt.rawres >= 0", "sendto"),
    ],
)
def test_what_a_hook_can_tell_is_decided(condition: str, name: str) -> None:
    assert "None" == reason(condition, name)


@pytest.mark.parametrize(
    ("condition", "name", "expected"),
    [
        (f"{OPENS} and fd.name = /etc/shadow", "openat", "fd.name ="),
        (f"{OPENS} and fd.realpath = /a and fd.num = 3", "openat", "fd.num ="),
        (f"{OPENS} and fd.realpath = /a and evt.is_open_exec = true", "openat", "evt.is_open_exec ="),
        (f"{OPENS} and fd.realpath = /a and evt.failed = true", "openat", "it is true of no call that succeeds"),
        (f"{OPENS} and fd.num >= 0", "openat", "it is true of every such call"),
        (
            "evt.type in (open, openat) and fd.realpath = /a", "openat",
            "the hook does not know which call it is; name all of open, openat, openat2, creat",
        ),
        (
            f"{OPENS} and (fd.realpath = /a or evt.type = openat and fd.realpath = /b)", "openat",
            "the condition says different things of open, openat, openat2, creat",
        ),
        (f"{EXECS} and proc.name = sh", "execve", "proc.name ="),
        ("evt.type = connect and fd.sip = 1.2.3.4 and fd.l4proto = udp", "connect", "fd.l4proto ="),
        (f"{SENDS} and fd.name contains 10.1.2.3", "sendto", "fd.name contains"),
        (f"{SENDS} and fd.rip = 10.1.2.3", "sendmmsg", "fd.rip ="),
        (
            "evt.type = sendto and fd.sip = 10.1.2.3", "sendto",
            "the hook does not know which call it is; name all of sendto, sendmsg, sendmmsg",
        ),
        ("evt.type = ptrace and evt.rawres = 0", "ptrace", "no hook of the security modules decides such a call"),
        ("evt.type = unlinkat and fd.name = /a", "unlinkat", "no hook of the security modules decides such a call"),
    ],
)  # fmt: skip
def test_what_it_cannot_is_said(condition: str, name: str, expected: str) -> None:
    assert expected == reason(condition, name)


def functions(*conditions: str) -> dict[str, RelocatableCode]:
    rules: list[dict[str, Formula]] = [predicates(one) if one else {} for one in conditions]
    return deny_functions(rules)


def parts(code: RelocatableCode) -> list[str]:
    return [one.name for one in code.relocations if one.kind is Symbol.SUBPROGRAM]


def test_each_hook_has_one_program_of_all_its_rules() -> None:
    found = functions(f"{OPENS} and fd.realpath = /a", "", f"{OPENS} and fd.realpath = /b", OUT)

    assert ["deny_part_open", "deny_part_act"] == parts(found.pop("file_open"))
    assert {
        "socket_connect": ["deny_part_connect", "deny_part_act"],
        "socket_sendmsg": ["deny_part_message", "deny_part_act"],
    } == {hook: parts(code) for hook, code in found.items()}


def test_connections_and_datagrams_share_the_hook_of_messages() -> None:
    sent = f"{SENDS} and fd.sip = 10.1.2.3"
    both, one, other = (functions(*conditions) for conditions in ((sent, OUT), (sent,), (OUT,)))

    assert {"socket_sendmsg"} == set(one)
    assert {"socket_connect", "socket_sendmsg"} == set(both)
    assert 3 == len({found["socket_sendmsg"].name for found in (both, one, other)})
    assert other["socket_connect"].name != both["socket_connect"].name  # by the number of its rule


def test_equal_rules_make_an_equal_program_and_others_another() -> None:
    one, same, other = (functions(f"{OPENS} and fd.realpath = {path}")["file_open"].name for path in ("/a", "/a", "/b"))

    assert one == same != other


def test_hooks_are_those_that_programs_are_attached_to() -> None:
    assert set(lsm.HOOKS) == set(DENY_PARTS_OF) == {hook for place in PLACES for hook in place.hooks}


@pytest.mark.parametrize("missing", ["", "no BPF LSM here"])
def test_people_are_told_whether_this_machine_can(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    monkeypatch.setattr(lsm, "missing", lambda: missing)
    wanted = predicates(OUT)
    demand = Demand({"syscall": {name: Interest(predicate=one) for name, one in wanted.items()}})
    found = {name: {"undenied": why(one.undenied)} for name, one in pushdown(demand, FIELDS).items()}

    expected = "no: not available: no BPF LSM here" if missing else "yes"
    assert [f"connect: {expected}"] == act_lines(found, "undenied")
