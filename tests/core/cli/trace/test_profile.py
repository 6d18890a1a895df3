"""The allow-list as a judge of calls before they run."""

from collections.abc import Mapping, Sequence

from mozu.core.api import CallVerdict, File, SockAddr, SockTuple, SyscallEvent
from mozu.core.cli.trace.profile import Places, Profile
from tests.plugins.rules.making import event, process

TREE, HOME = "/work/tree", "/home/a"


def verdict(call: SyscallEvent, allowed: Mapping[str, Sequence[str]], times: int = 1) -> CallVerdict:
    judge = Profile(Places(TREE, HOME, ["/tmp"]), allowed, deny=True).call_judge()
    assert judge is not None
    assert call.type in judge.types
    found = [judge.judge(call) for _ in range(times)]
    return found[-1]


def opening(path: str, flags: int = 1, *, real: str | None = None, result: int = 9) -> SyscallEvent:
    file = File("file", path, path, real or path)
    made = event("openat", process("cc"), fd=result, file=file, name=path, flags=flags)
    made.args = (result, *made.args[1:])
    return made


def connecting(port: int) -> SyscallEvent:
    return event("connect", process("cc"), res=0, addr=SockAddr(2, bytes((10, 0, 0, 1)), port))


def test_what_the_list_has_runs() -> None:
    assert not verdict(opening(f"{TREE}/a.c"), {"reads": ["{tree}"]}).denied
    assert not verdict(connecting(443), {"addresses": ["10.0.0.1:443"]}).denied


def test_what_it_does_not_have_is_denied() -> None:
    assert verdict(opening("/srv/secret"), {"reads": ["{tree}"]}).denied
    assert verdict(opening(f"{TREE}/a.c", 2), {"reads": ["{tree}"]}).denied
    assert verdict(connecting(444), {"addresses": ["10.0.0.1:443"]}).denied


def test_a_link_is_judged_by_where_it_leads() -> None:
    assert verdict(opening(f"{TREE}/link", real="/srv/secret"), {"reads": ["{tree}"]}).denied


def test_a_file_that_is_listed_by_itself_may_be_tried() -> None:
    assert not verdict(opening("/srv/refused"), {"reads": ["/srv/refused"]}).denied


def test_what_is_not_there_is_not_denied() -> None:
    assert not verdict(opening("/srv/include/a.h", result=-2), {"reads": []}).denied


def test_a_message_to_an_address_is_judged_like_a_connection() -> None:
    both = SockTuple(2, bytes(4), 0, bytes((10, 0, 0, 9)), 53)
    call = event("sendmsg", process("cc"), res=1, size=1, tuple=both)
    lists: list[list[str]] = [[], ["10.0.0.9:53"]]
    assert [True, False] == [verdict(call, {"addresses": one}).denied for one in lists]


def test_it_is_denied_each_time_and_reported_once() -> None:
    first, third = (verdict(connecting(444), {}, times) for times in (1, 3))
    assert (["New address"], True, []) == ([one.rule for one in first.alerts], third.denied, list(third.alerts))


def test_without_a_list_nothing_is_judged() -> None:
    assert Profile(Places(TREE, HOME, []), None).call_judge() is None
