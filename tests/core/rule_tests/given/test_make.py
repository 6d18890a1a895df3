"""Events given as fields: derived values, absent ones, and refusals of impossible ones."""

from itertools import pairwise

import pytest
import yaml

from mozu.core.language.conditions import NodeEvaluator, RuleInput, compile_rules, parse
from mozu.core.model.event import Event
from mozu.core.model.fields.registry import FieldRegistry
from mozu.core.rule_tests.document import Fields, GivenValue
from mozu.core.rule_tests.given.fields import given_fields
from mozu.core.rule_tests.given.make import ImpossibleEvent, field_reference, make_event
from tests.core.rule_tests.suites import fields

ALL = fields()
GIVEN = given_fields(ALL)
Form = str | tuple[str, ...] | None


def written(given: dict[str, Form]) -> Fields:
    return {text: GivenValue(form, 0) for text, form in given.items()}


def event(given: dict[str, Form], source: str = "syscall", **defaults: Form) -> Event:
    always = written({name.replace("_", "."): form for name, form in defaults.items()})
    return make_event(ALL, source, always, written(given), 0)


def value(made: Event, text: str, registry: FieldRegistry = GIVEN) -> object:
    ref = field_reference(text)
    return registry.resolve(ref.name, ref.argument, made.type).read(made)


def reasons(given: dict[str, Form], source: str = "syscall") -> list[str]:
    with pytest.raises(ImpossibleEvent) as caught:
        event(given, source)
    return [text for _, text in caught.value.reasons]


FOLLOWS: list[tuple[dict[str, Form], dict[str, object]]] = [
    (
        {"evt.type": "openat", "fd.name": "/etc/shadow", "fd.num": "3"},
        {
            "fd.directory": "/etc", "fd.filename": "shadow", "fd.typechar": "f", "fd.type": "file", "evt.rawres": 3,
            "evt.res": "SUCCESS", "evt.failed": False, "evt.dir": "<", "evt.category": "file", "syscall.type": "openat",
        },
    ),
    (
        {"evt.type": "openat", "evt.arg.flags": "O_CREAT|O_WRONLY"},
        {"evt.is_open_write": True, "evt.is_open_read": False, "evt.arg.flags": "O_CREAT|O_WRONLY"},
    ),
    ({"evt.type": "openat", "evt.res": "EACCES"}, {"fd.num": -1, "evt.failed": True, "evt.rawres": -13}),
    ({"evt.type": "openat", "fd.name": "/x", "fd.num": "-1"}, {"evt.failed": True, "evt.rawres": None}),
    ({"evt.type": "execve", "evt.failed": "false"}, {"evt.res": "SUCCESS", "evt.rawres": 0}),
    ({"evt.type": "read", "evt.failed": "false"}, {"evt.res": "SUCCESS", "evt.rawres": None}),
    (
        {"evt.type": "execve", "proc.cmdline": "sh -c id"},
        {"proc.name": "sh", "proc.args": "-c id", "proc.args[1]": "id", "proc.cmdnargs": 2, "proc.exe": None},
    ),
    ({"evt.type": "execve", "proc.cmdline": "Web Content -x", "proc.name": "Web Content"}, {"proc.args": "-x"}),
    ({"evt.type": "execve", "proc.name": "ls", "proc.args": "-l /"}, {"proc.cmdline": "ls -l /"}),
    (
        {"evt.type": "execve", "proc.aname": ("bash", "sshd")},
        {"proc.pname": "bash", "proc.aname[2]": "sshd", "proc.aname[3]": None, "proc.pcmdline": None},
    ),
    ({"evt.type": "execve", "proc.aname[2]": "sshd"}, {"proc.aname": (None, "sshd"), "proc.pname": None}),
    ({"evt.type": "execve", "proc.pname": "sh"}, {"proc.aname": ("sh",), "proc.aname[1]": "sh"}),
    (
        {"evt.type": "connect", "fd.sip": "10.1.2.3", "fd.sport": "https"},
        {
            "fd.typechar": "4", "fd.rip": bytes((10, 1, 2, 3)), "fd.rport": 443, "fd.snet": bytes((10, 1, 2, 3)),
            "fd.lip": None, "fd.cport": None, "fd.ip": (bytes((10, 1, 2, 3)),), "fd.port": (443,), "fd.rproto": None,
        },
    ),
    ({"evt.type": "connect", "fd.rip": "::1"}, {"fd.type": "ipv6", "fd.sip": bytes(15) + b"\1"}),
    ({"evt.type": "accept4", "fd.lport": "22"}, {"fd.sport": 22}),
    ({"evt.type": "setuid", "evt.rawarg.uid": "0"}, {"evt.rawarg.uid": 0}),
    ({"evt.type": "chmod", "evt.arg.mode": "0500"}, {"evt.rawarg.mode": 0o500, "evt.arg.mode": "S_IXUSR|S_IRUSR"}),
    ({"evt.type": "kill", "user.uid": "0"}, {"user.uid": 0, "user.name": "root", "user.loginuid": None}),
    ({"evt.type": "kill", "user.uid": "1000"}, {"user.name": None}),
    ({"evt.type": "kill", "container.id": "host"}, {"container.id": "host", "container.name": "host"}),
    ({"evt.type": "kill", "container.full_id": "0123456789abcdef"}, {"container.id": "0123456789ab"}),
    ({"evt.type": "kill", "container.image.repository": "nginx"}, {"container.image.repository": "nginx"}),
    ({"evt.type": "kill", "proc.env[HOME]": "/root"}, {"proc.env[HOME]": "/root", "proc.env[USER]": None}),
    ({"evt.type": "unlinkat", "evt.rawres": "0", "evt.arg.name": "/a/../b"}, {"fs.path.name": "/b"}),
    ({"evt.type": "kill", "thread.cap_effective": "CAP_KILL"}, {"thread.cap_effective": "CAP_KILL"}),
]  # fmt: skip


@pytest.mark.parametrize(("given", "wanted"), FOLLOWS, ids=lambda one: next(iter(one)) if isinstance(one, dict) else "")
def test_what_follows_from_given_fields_is_there(given: dict[str, Form], wanted: dict[str, object]) -> None:
    made = event(given)
    assert {text: value(made, text) for text in wanted} == wanted


def test_of_an_event_without_more_nothing_is_known_that_only_a_default_would_be() -> None:
    made = event({"evt.type": "openat"})
    bare = [field.name for field in GIVEN if field.is_bare and not field.unavailable]
    known = {name for name in bare if value(made, name) is not None}
    constant = {"syscall.type", "util.cnt", "thread.exectime", "thread.totexectime"}
    assert {name for name in known if not name.startswith("evt.")} <= constant
    assert not known & {"evt.res", "evt.rawres", "evt.failed", "evt.time", "evt.rawtime", "evt.cpu", "evt.args"}


def test_no_reader_fails_on_what_is_not_given() -> None:
    """Check every field with every event type."""
    from mozu.core.model.syscalls import event_types

    for name in event_types():
        made = event({"evt.type": name, **({"proc.pname": "sh"} if name == "execve" else {})})
        for field in GIVEN:
            if field.is_bare and not field.unavailable and field.sources & {"syscall", "*"}:
                value(made, field.name)


REFUSED = """
{fd.name: /x}
=> an event has one evt.type, such as evt.type: openat
{evt.type: opena}
=> there is no event type `opena` in the source syscall; did you mean `openat`?
{evt.type: openat, fd.nam: /x}
=> fd.nam: nonexistent field; did you mean fd.name?
{evt.type: openat, ka.verb: get}
=> ka.verb: the source syscall does not have this field (it is of k8s_audit)
{evt.type: setuid, fd.name: /x}
=> events of type setuid never have fd.name; leave it out, or test another evt.type
{evt.type: setuid, evt.arg.flags: "0"}
=> events of type setuid have no parameter flags; they have res, uid
{evt.type: openat, fd.num: three}
=> fd.num is of type int: `three` must be a decimal number
{evt.type: execve, container.duration: 1h}
=> container.duration is of type reltime: `1h` must be a decimal number, in nanoseconds (a second is 1000000000)
{evt.type: kill, user.uid: "-1"}
=> user.uid is of type uint: `-1` is not from 0 to 4294967295
{evt.type: openat, evt.failed: no}
=> evt.failed is of type bool: `no` must be `true` or `false`
{evt.type: connect, fd.sip: 10.0.0}
=> fd.sip is of type ipaddr: `10.0.0` must be an IPv4 or IPv6 address
{evt.type: connect, fd.sport: htp}
=> fd.sport is of type port: `htp` is neither a port number nor the name of a known service
{evt.type: openat, fd.name: [/a, /b]}
=> fd.name has one value, and this is a list; write one text
{evt.type: openat, proc.cwd: /tmp}
=> proc.cwd always ends with a slash: write /tmp/
{evt.type: openat, fd.typechar: x}
=> fd.typechar is one of 4, 6, P, b, d, e, f, i, l, m, n, o, p, r, s, t, u, not `x`
{evt.type: openat, evt.res: EWRONG}
=> evt.res is SUCCESS or the name of an error such as EACCES, not `EWRONG`
{evt.type: openat, proc.name: containerd-shim-runc-v2}
=> no program is called `containerd-shim-runc-v2`: the kernel keeps 15 bytes of a name; write containerd-shim
{evt.type: openat, proc.aname: [sh, unattended-upgrades]}
=> no program is called `unattended-upgrades`: the kernel keeps 15 bytes of a name; write unattended-upgr
{evt.type: openat, proc.cmdline: systemd-resolved -x}
=> no program is called `systemd-resolved`: the kernel keeps 15 bytes of a name; write systemd-resolve
{evt.type: openat, fd.name: /a/b, fd.directory: /c}
=> fd.directory cannot be `/c`: by the other fields it is `/a`; change it, or leave it out
{evt.type: openat, fd.num: "3", evt.failed: "true"}
=> evt.failed cannot be `true`: by the other fields it is `false`; change it, or leave it out
{evt.type: execve, proc.aname: [bash], proc.pname: zsh}
=> proc.pname cannot be `zsh`: by the other fields it is `bash`; change it, or leave it out
{evt.type: execve, proc.cmdline: bash -i, proc.name: sh}
=> proc.cmdline cannot be `bash -i`: by the other fields it is `sh -i`; change it, or leave it out
{evt.type: openat, evt.dir: ">"}
=> evt.dir cannot be `>`: by the other fields it is `<`; change it, or leave it out
{evt.type: execve, proc.cmdline: gcc -Wl, -z: ""}
=> -z: nonexistent field; if it is part of a value that holds a comma, put that value in quotes
{evt.type: openat, proc.aname.1: b}
=> proc.aname.1: nonexistent field
{evt.type: openat, "evt.arg[flags]": "1"}
=> evt.arg[flags]: nonexistent field (the argument must be a number)
{evt.type: openat, "proc.aname[2000]": x}
=> no process has 2,000 ancestors; count 1,000 steps up at most
"""


@pytest.mark.parametrize("case", list(pairwise(REFUSED.strip().split("\n")))[::2], ids=lambda case: case[0])
def test_what_cannot_exist_is_refused_with_its_reason(case: tuple[str, str]) -> None:
    given = {
        text: tuple(form) if isinstance(form, list) else form
        for text, form in yaml.load(case[0], Loader=yaml.BaseLoader).items()
    }
    assert reasons(given) == [case[1].removeprefix("=> ")]


def test_a_default_counts_where_it_can() -> None:
    assert value(event({"evt.type": "openat"}, fd_num="3"), "fd.num") == 3
    assert value(event({"evt.type": "openat", "fd.num": None}, fd_num="3"), "fd.num") is None
    event({"evt.type": "execve"}, fd_num="3", evt_arg_flags="O_RDONLY")
    with pytest.raises(ImpossibleEvent, match="no flag `O_RDNLY`"):
        event({"evt.type": "openat"}, evt_arg_flags="O_RDNLY")
    with pytest.raises(ImpossibleEvent, match="no flag `O_RDNLY`"):
        event({"evt.type": "execve"}, evt_arg_flags="O_RDNLY")


def test_a_default_that_contradicts_an_event_is_reported_at_the_event() -> None:
    defaults = {"evt.is_open_read": GivenValue("true", 7)}
    with pytest.raises(ImpossibleEvent) as caught:
        make_event(ALL, "syscall", defaults, written({"evt.type": "openat", "evt.arg.flags": "O_WRONLY"}), 40)
    assert caught.value.reasons == [
        (
            40,
            "evt.is_open_read cannot be `true`, as `given` says: by the other fields it is `false`; "
            "give it here too, or as ~",
        )
    ]


CONDITIONS = [
    "proc.aname in (sshd)", "proc.aname[2] = sshd", "not proc.aname in (make)", "fd.name startswith /etc",
    "evt.arg.flags contains O_CREAT", "evt.rawarg.flags > 0", "fd.directory pmatch (/etc)", "evt.type in (creat)",
    "container.id != host", "evt.dir = <", "fd.num >= 0 and evt.is_open_write = true", "toupper(proc.name) = CAT",
    "proc.name = val(proc.pname)", "fd.filename glob s*", "proc.args exists or proc.name exists", "evt.type = execve",
]  # fmt: skip


@pytest.mark.parametrize("text", CONDITIONS)
def test_generated_code_and_single_tests_agree_on_given_events(text: str) -> None:
    node = parse(text)
    program, nodes = compile_rules([RuleInput("r", "syscall", node)], GIVEN), NodeEvaluator(GIVEN, "syscall")
    whole: dict[str, Form] = {
        "evt.type": "openat", "fd.name": "/etc/shadow", "fd.num": "4", "proc.name": "cat", "proc.pname": "cat",
        "evt.arg.flags": "O_CREAT|O_WRONLY", "container.id": "0123456789ab",
    }  # fmt: skip
    for left_out in (None, *list(whole)[1:]):
        made = event({text: form for text, form in whole.items() if text != left_out})
        assert bool(program.evaluate([made])) is nodes.at(made).of(node), left_out
