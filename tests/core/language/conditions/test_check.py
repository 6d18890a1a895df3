import pytest

from mozu.core.language.conditions import Checked, check, parse
from mozu.core.language.conditions.tokens import OPERATORS
from tests.core.language.conditions.world import registry

FIELDS = registry()

TEXT = "= == != < <= > >= glob iglob contains icontains startswith endswith regex pmatch in intersects exists"
NUMBER = "= == != < <= > >= in intersects exists"
LEGAL = {
    "proc.name": TEXT,
    "proc.exepath": TEXT,
    "proc.aname": TEXT,
    "tolower(proc.name)": TEXT,
    'concat(proc.name, "x")': TEXT,
    "proc.pid": NUMBER,
    "user.uid": NUMBER,
    "fd.sport": NUMBER,
    "fd.port": NUMBER.replace(" intersects", ""),
    "evt.reltime": NUMBER,
    "proc.usage": NUMBER,
    "len(proc.name)": NUMBER,
    "evt.is_open_read": "= == != in intersects exists",
    "fd.sip": "= == != in intersects exists",
    "fd.ip": "= == != in intersects exists",
    "fd.sip.name": "= == != in exists",
    "fd.snet": "= == != in intersects exists",
    "fd.net": "= == != in intersects exists",
    "evt.buffer": "= == != contains startswith endswith bcontains bstartswith in intersects exists",
    "fd.types": "in intersects exists",
    "fd.ports": "in intersects exists",
    "evt.around[5]": "= ==",
}
VALUES = {"fd.sip": "::1", "fd.ip": "::1", "fd.snet": "::/0", "fd.net": "::/0", "evt.is_open_read": "true"}


def checked(text: str, source: str = "syscall") -> Checked:
    return check(parse(text), FIELDS, source)


def reasons(text: str, source: str = "syscall") -> list[str]:
    return [problem.reason for problem in checked(text, source).problems]


@pytest.mark.parametrize("field", LEGAL)
def test_operators_that_apply_to_a_type(field: str) -> None:
    value = VALUES.get(field, "10")
    tests = {op: f"{field} {op}" if op == "exists" else f"{field} {op} {value}" for op in OPERATORS}
    tests |= {op: f"{field} {op} ({value})" for op in ("in", "intersects", "pmatch")}
    tests |= {op: f"{field} {op} 10" for op in ("<", "<=", ">", ">=")}

    assert set(LEGAL[field].split()) == {op for op, text in tests.items() if not checked(text).errors}


@pytest.mark.parametrize(
    "text",
    [
        "proc.pid = +5",
        "proc.pid = 18446744073709551615",
        "user.uid = -1",
        "fd.sport = http",
        'fd.sport = ""',
        "fd.sport = 99999",
        "fd.sip = 10.0.0.1",
        "fd.sip = ::ffff:1",
        "fd.snet in (10.0.0.0/8, ::/0)",
        "proc.usage > 5",
        "evt.buffer bcontains CAFE",
        f"proc.name = {'x' * 255}",
        "proc.name < 1.5",
        "proc.name = val(proc.pname)",
        "proc.name in val(proc.pname)",
        "fd.types in val(fd.tags)",
        "len(fd.types) = val(evt.num)",
        "proc.pid > val(proc.ppid)",
        "proc.name = oneof (a, b)",
        'getopt((proc.name, "x"), "ab:")[b] = 3',
        "evt.type in (open, openat, container)",
        "evt.rawarg.mode > 3",
    ],
)
def test_sound_conditions_have_no_errors(text: str) -> None:
    assert () == checked(text).errors


@pytest.mark.parametrize(
    ("text", "reason", "at"),
    [
        ("proc.nme = a", "unknown_field", "proc.nme"),
        ("proc.name[2] = a", "unknown_field", "proc.name[2]"),
        ("proc.aname[x] = a", "unknown_field", "proc.aname"),
        ("proc.env = a", "unknown_field", "proc.env"),
        ("evt.arg.nothing = a", "unknown_field", "evt.arg"),
        ("ka.verb = a", "unknown_field", "ka.verb"),
        ("proc.thumb = a", "unavailable_field", "proc.thumb"),
        ("proc.pid = 0x10", "value", "0x10"),
        ("proc.pid > 1.5", "value", "1.5"),
        ("proc.pid = 99999999999999999999", "value", "999"),
        ("proc.pid in (1, two)", "value", "two"),
        ("fd.sport = nosuchservice", "value", "nosuch"),
        ("fd.sip = 10.0.0.0/8", "value", "10"),
        ("fd.sip = localhost", "value", "localhost"),
        ("fd.snet = 10.0.0.1", "value", "10"),
        ("evt.is_open_read = yes", "value", "yes"),
        ("evt.buffer bcontains abc", "value", "abc"),
        (f"proc.name = {'x' * 256}", "value", "xx"),
        ('proc.name = "a\\x00"', "value", '"a'),
        ("proc.name regex '(a'", "regex", "'(a'"),
        (r"proc.name regex \d", "regex", r"\d"),
        ("proc.pid contains 1", "operator", "contains"),
        ("fd.types = a", "operator", "= a"),
        ("evt.around[5] > 3", "operator", "> 3"),
        ("proc.name = val(proc.pid)", "type", "val"),
        ("proc.pid = val(user.uid)", "type", "val"),
        ("fd.types in val(proc.name)", "type", "val"),
        ("proc.name = val(proc.aname)", "type", "val"),
        ("fd.ip = val(fd.sip)", "type", "val"),
        ("proc.name regex val(proc.pname)", "operator", "val"),
        ("evt.type = val(proc.name)", "type", "val"),
        ("tolower(evt.type) = open", "type", "tolower"),
        ("evt.type = opne", "unknown_event_type", "opne"),
        ("evt.type in (open, nosuch)", "unknown_event_type", "nosuch"),
        ("tolower(proc.pid) = a", "transformer", "tolower"),
        ("tolower(proc.name, proc.pname) = a", "transformer", "tolower"),
        ("tolower(proc.name)[x] = a", "transformer", "tolower"),
        ("tolower(proc.aname) = a", "transformer", "proc.aname"),
        ('join("-", proc.args) = a', "transformer", "join"),
        ('join(fd.types, "-") = a', "transformer", "join"),
        ("concat(proc.name) = a", "transformer", "concat"),
        ("concat(proc.name, proc.pid) = a", "transformer", "concat"),
        ('getopt(proc.args, "ab") exists', "transformer", "getopt"),
        ('getopt((proc.name, "x"), "ab")[ab] exists', "transformer", "getopt"),
        ("len(proc.pid) = 3", "transformer", "len"),
        ("tolower(" * 65 + "fd.name" + ")" * 65 + " = x", "transformer", "tolower"),
    ],
)
def test_an_error_has_its_reason_and_place(text: str, reason: str, at: str) -> None:
    error = checked(text).errors[0]

    assert (reason, text.index(at)) == (error.reason, error.offset)


def test_all_errors_are_reported_with_the_text_they_are_in() -> None:
    node = parse("proc.nme = a or proc.pid = x", "macro")

    problems = check(node, FIELDS, "syscall").problems

    assert [("unknown_field", "macro"), ("value", "macro")] == [(one.reason, one.origin) for one in problems]


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("proc.nmae = a", "did you mean proc.name?"),
        ("evt.type = opneat", "did you mean openat?"),
        ("proc.pid contains 1", "use one of = == != < <= > >= in intersects exists"),
    ],
)
def test_an_error_suggests(text: str, hint: str) -> None:
    assert hint == checked(text).errors[0].hint


def test_a_field_of_another_source_is_known_there() -> None:
    assert [] == reasons("ka.verb = get and evt.num > 1", "k8s_audit")
    assert ["unknown_field"] == reasons("proc.name = x", "k8s_audit")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("proc.name regex abc", ["plain_regex"]),
        ("proc.name regex ^abc$", ["plain_regex"]),
        ("proc.name regex .*abc.*", ["plain_regex"]),
        ("proc.name regex a.c", []),
        ("proc.name = proc.pname", ["constant_is_field"]),
        ("proc.name in (x, proc.aname[2])", ["constant_is_field"]),
        ("proc.name = proc.nothing", []),
        ("proc.name = 'tolower(x)'", ["constant_is_transformer"]),
        ("proc.name = <NA>", ["not_available"]),
        ("proc.name != '<NA>'", ["not_available"]),
        ("proc.aname[2] in (<NA>)", ["not_available"]),
        ("tolower(proc.name) = <NA>", []),
        ("proc.name in (<NA>, N/A)", []),
        ("proc.name startswith <NA>", []),
        ("fd.name = <NA>", []),
        ("proc.name = “cat”", ["typographic_quotes"]),
        ("proc.name in (a, ‘cat’)", ["typographic_quotes"]),
        ("proc.name = '“cat”'", []),
        ("evt.num = 18446744073709551615", []),
        ("evt.num = -1", []),
        ("proc.pid > 18446744073709551615", ["cut_number"]),
    ],
)
def test_a_warning_for_what_is_sound_and_strange(text: str, expected: list[str]) -> None:
    assert expected == reasons(text)


def test_a_warning_is_no_error() -> None:
    result = checked("proc.name = proc.pname")

    assert (1, 0, "LOAD_COMPILE_CONDITION") == (len(result.problems), len(result.errors), result.problems[0].code)


def test_comparing_a_field_of_kubernetes_with_the_text_for_missing_is_unsafe() -> None:
    problems = checked("ka.verb in (<NA>, N/A)", "k8s_audit").problems

    assert ["LOAD_UNSAFE_NA_CHECK"] == [problem.code for problem in problems]


def test_the_hint_for_an_unsafe_comparison_keeps_its_meaning() -> None:
    hints = [problem.hint for problem in checked("proc.name = <NA> or proc.pname != <NA>").problems]

    assert ["use `not … exists`", "use `… exists`"] == hints


@pytest.mark.parametrize(
    ("text", "types"),
    [
        ("evt.type = open", {"open"}),
        ("evt.type in (open, openat) and proc.name = a", {"open", "openat"}),
        ("evt.type = open or evt.type = connect", {"open", "connect"}),
        ("evt.type = open or proc.name = a", None),
        ("evt.type in (open, connect) and not evt.type = open", {"connect"}),
        ("not (evt.type != open or proc.name = a)", {"open"}),
        ("evt.type in (open, connect) and evt.type != open", {"connect"}),
        ("evt.num = 0", set()),
        ("evt.num < 1 or evt.type = open", {"open"}),
        ("not evt.num = 0", None),
        ("evt.type = open and evt.type = connect", set()),
        ("evt.type startswith op", None),
    ],
)
def test_the_static_event_set(text: str, types: set[str] | None) -> None:
    assert types == checked(text).event_types


def test_the_static_event_set_of_all_but_one_names_the_others() -> None:
    types = checked("evt.type != open").event_types

    assert types is not None
    assert (False, True) == ("open" in types, "openat" in types)


def test_fields_and_operators_are_listed() -> None:
    result = checked("proc.aname[2] startswith anyof (a, b) and tolower(fd.name) = val(proc.name) and fd.num exists")

    assert ("fd.name", "fd.num", "proc.aname[2]", "proc.name") == result.fields
    assert ("=", "exists", "startswith anyof") == result.operators


def test_a_list_of_a_hundred_thousand_wrong_values_gives_a_bounded_report() -> None:
    assert 100 == len(checked(f"proc.pid in ({','.join(['x'] * 100_000)})").problems)
