"""Values that no event, or no event of the type, can have are refused by one sentence that names the remedy."""

import pytest

from mozu.core.model.fields.possible import check_value
from tests.core.rule_tests.given.test_make import Form, event, reasons

IMPOSSIBLE: list[tuple[dict[str, Form], str]] = [
    ({"evt.type": "connect", "fd.rport": "99999"}, "`99999` is not from 0 to 65535"),
    ({"evt.type": "connect", "fd.port": "-1"}, "`-1` is not from 0 to 65535"),
    ({"evt.type": "openat", "evt.res": "EACCES", "fd.num": "3"}, "evt.res cannot be `EACCES`"),
    ({"evt.type": "openat", "fd.num": "3", "evt.res": "EACCES"}, "fd.num cannot be `3`: by the other fields"),
    ({"evt.type": "creat", "fd.num": "3", "evt.rawres": "-13"}, "fd.num cannot be `3`: by the other fields"),
    ({"evt.type": "openat", "fd.num": "-7"}, "fd.num of openat is a descriptor, or -1 if the call failed, not -7"),
    ({"evt.type": "openat", "fd.sip": "1.2.3.4"}, "events of type openat never have fd.sip; leave it out"),
    ({"evt.type": "pipe", "fd.lport": "80"}, "events of type pipe never have fd.lport; leave it out"),
    ({"evt.type": "openat", "fd.type": "ipv4"}, "fd.type of openat is never ipv4 or ipv6: no socket; test another"),
    ({"evt.type": "openat", "fd.typechar": "6"}, "fd.typechar of openat is never 4 or 6: no socket"),
    ({"evt.type": "connect", "fd.type": "socket"}, "fd.type is one of file, directory, ipv4"),
    ({"evt.type": "connect", "fd.l4proto": "sctp"}, "fd.l4proto is one of tcp, udp, icmp, raw, <NA>, not `sctp`"),
    ({"evt.type": "openat", "evt.time": "now"}, "evt.time has the form 12:30:00.000000000, not `now`"),
    ({"evt.type": "openat", "evt.time.s": "24:00:00"}, "evt.time.s has the form 12:30:00, not `24:00:00`"),
    ({"evt.type": "openat", "evt.datetime.s": "9999-01-01 00:00:00"}, "evt.datetime.s is in the future"),
    ({"evt.type": "openat", "evt.rawtime": "9000000000000000000"}, "evt.rawtime is from 1970 to now"),
    ({"evt.type": "openat", "evt.num": "0"}, "evt.num counts from 1; write 1 or more"),
    ({"evt.type": "kill", "proc.pid": "-5"}, "proc.pid is the number of a process, or -1 if it is unknown, not -5"),
]


@pytest.mark.parametrize(("given", "reason"), IMPOSSIBLE)
def test_an_impossible_value_is_refused_once(given: dict[str, Form], reason: str) -> None:
    [text] = reasons(given)

    assert reason in text


@pytest.mark.parametrize(
    "given",
    [
        {"evt.type": "connect", "fd.rport": "65535", "fd.num": "3", "evt.res": "EACCES"},
        {"evt.type": "openat", "fd.num": "-1", "evt.res": "EACCES"},
        {"evt.type": "dup", "fd.sip": "1.2.3.4", "fd.type": "ipv4"},
        {"evt.type": "openat", "evt.time": "23:59:59.999999999", "evt.datetime.s": "2026-01-31 12:30:00"},
        {"evt.type": "openat", "evt.rawtime": "1700000000000000000", "evt.rawtime.s": "1700000000"},
        {"evt.type": "openat", "fd.type": "directory", "proc.pid": "-1", "evt.num": "1"},
    ],
)
def test_a_possible_value_is_taken(given: dict[str, Form]) -> None:
    assert given["evt.type"] == event(given).type


def test_the_present_divides_what_can_be_from_what_cannot() -> None:
    check_value("evt.rawtime.s", 1000, lambda: 1000.0)
    with pytest.raises(ValueError, match="to now, not 1001"):
        check_value("evt.rawtime.s", 1001, lambda: 1000.0)
