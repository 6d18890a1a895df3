from typing import Any

import pytest

from mozu.core.language.conditions import ConditionError, compile_template
from mozu.core.model.fields import FieldRegistry
from mozu.core.model.fields.builtin import builtin_fields
from tests.core.language.conditions.world import event, registry

FIELDS = registry()


def message(text: str, **values: Any) -> str:
    output = compile_template(text, FIELDS, "syscall")
    return output.template.render(output.values(event(**values)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("", ""),
        ("%proc.name", "cat"),
        ("%proc.name%proc.pid.", "cat7."),
        ("a %proc.names b", "a cats b"),
        ("%proc.name[0]", "cat[0]"),
        ("%proc.aname[1] %proc.aname[9]", "sh <NA>"),
        ("%evt.arg.flags,", "O_RDONLY,"),
        ("%evt.arg.flagship", "O_RDONLYhip"),
        ("%8proc.name|%2proc.name|", "cat     |ca|"),
        ("*%proc.name %fd.name", "cat <NA>"),
        ('%toupper(proc.name)-%concat(proc.name, "/", proc.name)', "CAT-cat/cat"),
        ("%len(proc.name)", "3"),
        ("%6toupper(proc.name)|", "CAT   |"),
        ("%evt.buffer", "a.."),
        ("%fd.types", "(x,y)"),
        ("%fd.dev", "FD03"),
        ("%fd.sip", "10.0.0.1"),
        ("%evt.is_open_read %proc.usage", "true 0.5"),
        ("%fd.ip %fd.snet %fd.net %evt.around[5]", "<NA> <IPNET> <NA> <NA>"),
        ("%proc.aname", "bash sh"),
        ("%fd.sip.name", "a.example"),
        ("%proc.env[HOME]", "/root"),
        ("%proc.name.x", "cat.x"),
    ],
)
def test_what_an_output_prints(text: str, expected: str) -> None:
    values = {
        "proc_name": "cat",
        "proc_pid": 7,
        "proc_aname": ("bash", "sh"),
        "proc_env": {"HOME": "/root"},
        "proc_usage": 0.46,
        "evt_arg.flags": "O_RDONLY",
        "evt_buffer": b"a\xff\n",
        "evt_is_open_read": True,
        "fd_types": ("x", "y"),
        "fd_dev": 0xFD03,
        "fd_sip": b"\x0a\0\0\1",
        "fd_sip.name": ("a.example", "b.example"),
        "fd_snet": b"\x0a\0\0\1",
        "fd_ip": (b"\x0a\0\0\1",),
    }

    assert expected == message(text, **values)


@pytest.mark.parametrize(
    ("text", "offset", "reason"),
    [
        ("100% of", 3, "unknown_field"),
        ("%%", 0, "unknown_field"),
        ("end %", 4, "syntax"),
        ("%proc.nothing", 1, "unknown_field"),
        ("%proc.thumb", 1, "unavailable_field"),
        ("*ab %nothing", 4, "unknown_field"),
        ("%tolower(proc.pid)", 1, "transformer"),
        ("%tolower(proc.name", 18, "unknown_field"),
        ("%val(proc.name)", 0, "unknown_field"),
        ("%99999proc.name", 0, "syntax"),
        ("%proc.env", 1, "unknown_field"),
    ],
)
def test_a_wrong_token_is_refused_at_its_place(text: str, offset: int, reason: str) -> None:
    with pytest.raises(ConditionError) as caught:
        compile_template(text, FIELDS, "syscall")

    assert (offset, reason) == (caught.value.offset, caught.value.reason)


def test_a_misspelt_field_gets_a_suggestion() -> None:
    with pytest.raises(ConditionError, match=r"did you mean proc\.cmdline"):
        compile_template("x %proc.cmdlnie", FIELDS, "syscall")


def test_values_are_typed_and_fields_inside_transformers_have_their_own_key() -> None:
    output = compile_template("%toupper(proc.name) %proc.pid %fd.name %evt.time", FIELDS, "syscall")

    values = output.values(event(proc_name="cat", proc_pid=7))

    assert {
        "toupper(proc.name)": "CAT",
        "proc.pid": 7,
        "fd.name": None,
        "evt.time": "12:00:00",
        "proc.name": "cat",
    } == values
    assert [
        ("toupper(proc.name)", False),
        ("proc.pid", True),
        ("fd.name", True),
        ("evt.time", True),
        ("proc.name", True),
    ] == [(ref.key, ref.is_field) for ref in output.template.refs()]
    assert ["evt.time"] == [ref.key for ref in output.template.refs() if ref.is_time]
    assert ("proc.name", "proc.pid", "fd.name", "evt.time") == output.fields


def test_an_output_needs_what_its_fields_need_of_the_type() -> None:
    output = compile_template("%fd.name", FieldRegistry(builtin_fields()), "syscall")

    assert (frozenset({"cwd", "fds", "names"}), frozenset()) == (output.needs(None), output.needs("execve"))


def test_extra_fields_keep_their_type_or_are_rendered() -> None:
    output = compile_template("%proc.name", FIELDS, "syscall", [("user.uid", ""), ("who", "%proc.name/%user.uid")])

    values = output.values(event(proc_name="cat", user_uid=3))

    assert {"proc.name": "cat", "user.uid": 3, "who": "cat/3"} == values
    assert ["proc.name", "user.uid", "who"] == [ref.key for ref in output.template.refs()]


def test_a_wrong_extra_field_is_named() -> None:
    with pytest.raises(ConditionError) as caught:
        compile_template("x", FIELDS, "syscall", [("who", "a %proc.nothing")])

    assert ("who", 3) == (caught.value.origin, caught.value.offset)


def test_a_long_text_is_read_in_linear_time() -> None:
    text = "%proc.name " * 50_000 + "%proc.name." + "a" * 1_000_000

    assert 100_002 == len(compile_template(text, FIELDS, "syscall").template.parts)
