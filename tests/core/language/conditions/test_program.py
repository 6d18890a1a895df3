import random
from collections.abc import Callable
from typing import Any

import pytest

from mozu.core.language.conditions import RuleInput, RuleProgram, compile_rules, parse
from mozu.core.language.conditions import program as conditions_program
from mozu.core.model.event import DataEvent
from tests.core.language.conditions.world import event, registry

FIELDS = registry()


def program(*conditions: str, mode: str = "all", source: str = "syscall") -> RuleProgram:
    return compile_rules([RuleInput(text, source, parse(text)) for text in conditions], FIELDS, mode)


def positions(conditions: list[str], *events: DataEvent, mode: str = "all") -> list[int]:
    return [position for _, position in program(*conditions, mode=mode).evaluate(events)]


def test_matches_come_in_the_order_of_events_and_of_rules() -> None:
    first, second = event(proc_name="a", proc_pid=1), event(proc_name="b", proc_pid=1)
    conditions = ["proc.name = b", "proc.pid = 1", "proc.name in (a, b)"]

    found = program(*conditions).evaluate([first, second])

    assert [(first, 1), (first, 2), (second, 0), (second, 1), (second, 2)] == found


def test_the_first_mode_reports_the_first_rule_only() -> None:
    assert [1, 0] == positions(
        ["proc.name = b", "proc.pid = 1"],
        event(proc_name="a", proc_pid=1),
        event(proc_name="b", proc_pid=1),
        mode="first",
    )


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(ValueError, match="the mode is `first` or `all`"):
        program("proc.pid = 1", mode="some")


@pytest.mark.parametrize(
    ("condition", "values", "expected"),
    [
        ("proc.name != a", {}, False),
        ("not proc.name = a", {}, True),
        ("proc.name = val(proc.pname)", {"proc_name": "a"}, False),
        ("proc.name != val(proc.pname)", {"proc_name": "a"}, False),
        ("proc.aname != a", {"proc_aname": ("a", "b")}, True),
        ("not proc.aname = a", {"proc_aname": ("b", "c")}, True),
        ("proc.aname exists", {"proc_aname": ()}, False),
        ("proc.aname = allof (a, b)", {"proc_aname": ("a", "b")}, True),
        ("fd.ip != 10.0.0.1", {"fd_ip": (b"\x0a\0\0\1", b"\x0a\0\0\2")}, False),
        ("fd.ip != 10.0.0.9", {"fd_ip": (b"\x0a\0\0\1", b"\x0a\0\0\2")}, True),
        ("fd.ip in (10.0.0.2)", {"fd_ip": (b"\x0a\0\0\1", b"\x0a\0\0\2")}, True),
        ("fd.ip exists", {"fd_ip": ()}, True),
        ("fd.ip != 10.0.0.1", {"fd_ip": ()}, False),
        ("fd.sip.name = a", {"fd_sip.name": ("b", "a")}, True),
        ("fd.sip.name != a", {"fd_sip.name": ("b", "a")}, False),
        ("fd.sip.name != c", {"fd_sip.name": ("b", "a")}, True),
        ("fd.sip.name != a and fd.sip.name != c", {"fd_sip.name": ("b", "a")}, False),
        ("fd.sip.name in (c, b)", {"fd_sip.name": ("b", "a")}, True),
        ("fd.sip.name exists", {"fd_sip.name": ("b", "a")}, True),
        ("fd.sip.name = a", {"fd_sip.name": (None,)}, False),
        ("fd.sip.name != a", {"fd_sip.name": (None,)}, True),
        ("fd.sip.name exists", {"fd_sip.name": (None,)}, False),
        ("fd.sip.name != a", {}, False),
        ("fd.net = 10.0.0.0/8", {"fd_net": (b"\x0a\0\0\1", b"\x01\0\0\2")}, True),
        ("fd.net != 10.0.0.0/8", {"fd_net": (b"\x0a\0\0\1", b"\x01\0\0\2")}, False),
        ("fd.snet = ::/0", {"fd_snet": b"\x0a\0\0\1"}, False),
        ("fd.snet != ::/0", {"fd_snet": b"\x0a\0\0\1"}, True),
        ("fd.sip != ::1", {"fd_sip": b"\x0a\0\0\1"}, True),
        ("fd.port > 80", {"fd_port": (22, 443)}, True),
        ("fd.types in (a, b)", {"fd_types": ("a", "c")}, False),
        ("fd.types intersects (a, b)", {"fd_types": ("a", "c")}, True),
        ("fd.types exists", {"fd_types": ()}, False),
        ("proc.name in ()", {"proc_name": ""}, False),
        ("proc.name exists", {"proc_name": ""}, True),
        ("proc.name contains ''", {"proc_name": ""}, True),
        ("proc.name = oneof (cat, cat)", {"proc_name": "cat"}, False),
        ("proc.name != allof (a, b)", {"proc_name": "c"}, True),
        ("proc.name != anyof (a, b)", {"proc_name": "a"}, True),
        ("user.uid = -1", {"user_uid": 4294967295}, True),
        ("user.uid = 4294968296", {"user_uid": 1000}, True),
        ("fd.num = 4294967299", {"fd_num": 3}, False),
        ("fd.sport = 73979", {"fd_sport": 8443}, True),
        ("fd.sport = https", {"fd_sport": 443}, True),
        ("evt.is_open_read = false", {}, False),
        ("evt.is_open_read != true", {"evt_is_open_read": False}, True),
        (r'proc.name contains "\xa9"', {"proc_name": "é"}, True),
        (r'proc.name startswith "\xc3"', {"proc_name": "é"}, True),
        ("proc.name glob ??", {"proc_name": "é"}, True),
        ("proc.name icontains É", {"proc_name": "é"}, False),
        ("proc.name < 1", {"proc_name": "\udcff"}, False),
        ("proc.name > 1", {"proc_name": "é"}, True),
        ("evt.buffer bcontains ff00", {"evt_buffer": b"a\xff\0"}, True),
        ("evt.rawarg.mode = 3", {"evt_rawarg.mode": "text"}, False),
        ("join('-', (proc.name, 'x')) = a-x", {"proc_name": "a"}, True),
        ("concat(proc.name, proc.pname) != a", {"proc_name": "a"}, False),
    ],
)
def test_what_a_condition_means(condition: str, values: dict[str, object], expected: bool) -> None:
    assert [0] * expected == positions([condition], event(**values))


def test_events_of_other_sources_and_types_match_nothing() -> None:
    rules = program("evt.type = open and proc.pid = 1")

    assert [] == rules.evaluate([event("execve", proc_pid=1), DataEvent("k8s_audit", "open", 0, 1, {"proc.pid": 1})])


def test_rules_of_several_sources_live_side_by_side() -> None:
    rules = [RuleInput("a", "syscall", parse("proc.pid = 1")), RuleInput("b", "k8s_audit", parse("ka.verb = get"))]
    events = [DataEvent("k8s_audit", "ka", 0, 1, {"verb": "get"}), event(proc_pid=1), DataEvent("other", "x", 0, 1, {})]

    found = compile_rules(rules, FIELDS).evaluate(events)

    assert [(events[0], 1), (events[1], 0)] == found


def test_needs_are_stated_by_event_type() -> None:
    rules = program(
        "evt.type in (open, connect) and fd.name = a",
        "evt.type = open and user.uid = 0",
        "evt.type = execve and evt.is_open_read = true",
    )

    assert {"syscall": {"open": frozenset({"cwd", "fds", "ids"}), "connect": frozenset({"cwd", "fds"})}} == rules.needs
    assert {"syscall": frozenset({"open", "connect"})} == rules.event_types


@pytest.mark.parametrize(
    ("conditions", "names"),
    [
        (["fd.sip.name = a.example"], {"a.example"}),
        (["proc.name = x or not (proc.pid = 1 and fd.sip.name != 'b.example')"], {"b.example"}),
        (["fd.sip.name in (a, b, a)", "fd.sip.name = anyof (c, d)", "fd.sip.name = a"], {"a", "b", "c", "d"}),
        (["fd.sip.name exists", "fd.sip.name in ()", "fd.name = a and proc.name in (b, c)"], set()),
    ],
)
def test_names_that_addresses_are_compared_with_are_stated(conditions: list[str], names: set[str]) -> None:
    assert names == program(*conditions).hosts


def test_prepared_functions_find_the_same() -> None:
    rules = program("evt.type = open and proc.pid = 1", "proc.pid = 2")
    rules.prepare()

    opened, connected = event("open", proc_pid=1), event("connect", proc_pid=2)

    assert [(opened, 0), (connected, 1)] == rules.evaluate([opened, connected])


def test_a_rule_for_every_type_needs_every_type() -> None:
    assert {"syscall": {"*": frozenset({"ids"})}} == program("user.uid = 0").needs


def counted(name: str, reads: list[str]) -> Callable[[Any], Any]:
    def read(event: Any) -> Any:
        reads.append(name)
        return event.data.get(name)

    return read


def test_a_field_is_read_once_and_only_when_it_is_reached() -> None:
    reads: list[str] = []
    watched = registry()
    for name in ("proc.cmdline", "fd.name"):
        watched.provide(name, lambda _, name=name: counted(name, reads))  # type: ignore[misc]
    conditions = [f"fd.name startswith /x{number} and proc.cmdline contains c{number}" for number in range(5)]
    conditions += ["proc.pid = 1 and proc.cmdline endswith z", "not fd.name contains y and proc.pid = 2"]
    rules = compile_rules([RuleInput(text, "syscall", parse(text)) for text in conditions], watched, "all")

    rules.evaluate([event(fd_name="/etc", proc_cmdline="z", proc_pid=3)])
    rules.evaluate([event(fd_name="/x3", proc_cmdline="c3 z", proc_pid=1)])

    assert ["fd.name", "fd.name", "proc.cmdline"] == sorted(reads)


def test_thousands_of_rules_on_one_field_find_the_same_as_each_alone() -> None:
    chance = random.Random(1)
    texts = [f"evt.type = open and fd.name = /p{number % 700} and proc.pid = {number % 3}" for number in range(1500)]
    texts += [f"fd.name startswith /p{number} and not proc.pid = 1" for number in range(300)]
    texts += [f"fd.name endswith {number} or fd.name contains x{number}" for number in range(300)]
    texts += [f"fd.name glob *p{number}*" for number in range(100, 200)]
    texts += [f"fd.name glob ?p{number}?" for number in range(10, 70)]
    events = [event(fd_name=f"/p{chance.randint(0, 720)}", proc_pid=chance.randint(0, 3)) for _ in range(100)]
    whole = program(*texts)

    expected = [(e, n) for e in events for n in range(len(texts)) if alone(texts[n]).evaluate([e])]

    assert expected == whole.evaluate(events)


ALONE: dict[str, RuleProgram] = {}


def alone(text: str) -> RuleProgram:
    if text not in ALONE:
        ALONE[text] = program(text)
    return ALONE[text]


@pytest.mark.parametrize("opening", ["not (", "proc.pid = 7 and not (", "(proc.name = a or "])
def test_the_deepest_condition_compiles_and_runs(opening: str) -> None:
    text = opening * 1000 + "fd.num = 3" + ")" * 1000

    program(text).evaluate([event(fd_num=3), event(fd_num=4), event(proc_pid=7, proc_name="a")])


def test_alternating_levels_decide_from_the_inside() -> None:
    text = "fd.num = 3"
    for level in range(400):
        text = f"proc.pid = {level} or (proc.ppid != {level} and ({text}))"

    assert [0] == positions(
        [text], event(fd_num=3, proc_pid=-1, proc_ppid=-1), event(fd_num=4, proc_pid=-1, proc_ppid=-1)
    )


def test_what_is_read_of_a_prepared_type_is_known_without_looking_at_conditions_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Check because a reload prepares on a thread, which spares the event loop 0.4 s for mozu's own rules when starved.
    """
    made = program("evt.type = openat and proc.name = a and fd.name = b")
    made.prepare()
    with monkeypatch.context() as patch:
        patch.setattr(conditions_program, "simplified", lambda *_: pytest.fail("it is computed again"))
        assert {"proc.name", "fd.name"} == {one.text for one in made.fields("syscall", "openat")}
