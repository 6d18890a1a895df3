"""Hostile test files: the result is an event, or every reason why there is none, and never an exception."""

import contextlib

from hypothesis import given, settings
from hypothesis import strategies as st

from mozu.core.model.fields.field import Argument
from mozu.core.model.syscalls import event_types, param_names
from mozu.core.rule_tests.document import GivenValue
from mozu.core.rule_tests.given.fields import given_fields
from mozu.core.rule_tests.given.make import ImpossibleEvent, make_event
from tests.core.rule_tests.suites import fields

ALL = fields()
GIVEN = given_fields(ALL)
OF_CALLS = [field for field in ALL if field.sources & {"syscall", "*"}]
INDEXED = (Argument.INDEX, Argument.INDEX_OPTIONAL)
NAMES = [
    *(field.name for field in OF_CALLS),
    *(f"{field.name}[{number}]" for field in OF_CALLS if field.argument in INDEXED for number in (0, 1, 2, 10**30)),
    *(f"evt.arg.{name}" for name in sorted(param_names())),
    *(f"evt.rawarg.{name}" for name in sorted(param_names())),
    "proc.env[HOME]", "container.label[a.b]", "proc.aname[x]", "proc.aname[", "proc.aname[]", "[1]", "", ".",
    "evt.arg[0]", "evt.arg[99]", "static.x", "ka.verb", "evt.type.is.openat",
]  # fmt: skip
WORDS = [
    "", "0", "1", "-1", "3", "0x10", "0755", "true", "false", "host", "SUCCESS", "EACCES", "-13", "O_CREAT|O_RDWR", "|",
    "/a/b", "/", "a b", " ", "1.2.3.4", "::1", "10.0.0.0/8", "http", "f", "u", "4", "file", "٣", "²", "1e5", "nan",
    "\x00", "\udc80",
    "9" * 50, "18446744073709551615", "2147483648", "<NA>", ">", "<",
]  # fmt: skip
FORMS = st.one_of(
    st.none(), st.sampled_from(WORDS), st.text(max_size=8), st.lists(st.sampled_from(WORDS), max_size=3).map(tuple)
)
EVENTS = st.dictionaries(st.sampled_from(NAMES), FORMS, max_size=6)


@settings(max_examples=200)
@given(st.sampled_from(sorted(event_types())), EVENTS)
def test_fields_make_an_event_that_can_be_read_or_reasons(type_: str, forms: dict[str, object]) -> None:
    texts = {name: GivenValue(form, 0) for name, form in forms.items()}  # type: ignore[arg-type]  # as drawn
    with contextlib.suppress(ImpossibleEvent):
        event = make_event(ALL, "syscall", {}, {**texts, "evt.type": GivenValue(type_, 0)}, 0)
        for field in GIVEN:
            if field.is_bare and not field.unavailable and field.sources & {"syscall", "*"}:
                GIVEN.resolve(field.name, None, type_).read(event)
