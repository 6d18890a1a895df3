"""Every field of Falco is known, with its type and its kind of argument."""

import re

import pytest

from mozu.core.model.fields import Argument, Field
from mozu.core.model.fields.builtin import builtin_fields
from tests.core.model.syscalls.spec import rows

TYPES = {
    "abstime(uint64 ns)": "abstime",
    "reltime(uint64 ns)": "reltime",
    "port(uint16)": "port",
    "dynamic (type of the parameter)": "string",
}
ARGUMENTS = [
    (r"none", Argument.NONE),
    (r"required, dotted.*", Argument.DOTTED),
    (r"required: evt\.arg\.NAME or evt\.arg\[N\]", Argument.DOTTED_OR_INDEX),
    (r"required: evt\.rawarg\.NAME.*", Argument.DOTTED),
    (r"required: evt\.around\[T\]", Argument.KEY),
    (r"optional suffix.*", Argument.DOTTED_OPTIONAL),
    (r"optional index.*", Argument.INDEX_OPTIONAL),
    (r"optional \[N.*", Argument.KEY_OPTIONAL),
    (r"required: \[index\].*", Argument.KEY),
    (r"required: \[KEY\] or \.KEY.*", Argument.KEY_OR_DOTTED),
    (r"required: \[KEY\]", Argument.KEY),
]
ELSEWHERE = ("static.",)
"""Prefix of fields that the configuration makes."""


@pytest.fixture(scope="module")
def declared() -> dict[str, Field]:
    return {field.name: field for field in builtin_fields()}


def _specified() -> list[list[str]]:
    table = [row for row in rows("fields.tsv") if row[0] != "name"]
    return [row for row in table if not row[0].startswith(ELSEWHERE)]


def _type(text: str) -> str:
    plain = TYPES.get(text, text)
    return re.sub(r"\d+$", "", plain)


def _argument(text: str) -> Argument:
    return next(kind for pattern, kind in ARGUMENTS if re.fullmatch(pattern, text))


def test_every_field_of_the_reference_is_declared(declared: dict[str, Field]) -> None:
    assert [] == [row[0] for row in _specified() if row[0] not in declared]


def test_fields_have_the_types_of_the_reference(declared: dict[str, Field]) -> None:
    text = {"path": "string"}
    expected = {row[0]: (_type(row[1]), row[3] == "yes") for row in _specified()}
    actual = {name: declared[name] for name in expected}
    assert expected == {
        name: (text.get(field.type.value, field.type.value), field.is_list) for name, field in actual.items()
    }


def test_fields_have_the_arguments_of_the_reference(declared: dict[str, Field]) -> None:
    expected = {row[0]: _argument(row[2]) for row in _specified()}
    assert expected == {name: declared[name].argument for name in expected}


@pytest.mark.parametrize(
    ("note", "trait"),
    [
        ("deprecated", "deprecated"),
        ("hidden", "hidden"),
        ("filter only", "filter_only"),
        ("no rhs", "no_rhs"),
        ("no transformer", "no_transformer"),
        ("suggested output", "suggested"),
        ("%09 padded", "padded"),
    ],
)
def test_fields_have_the_notes_of_the_reference(note: str, trait: str, declared: dict[str, Field]) -> None:
    expected = {row[0] for row in _specified() if note in row[5]}
    names = {row[0] for row in _specified()}
    assert expected == {name for name in names if trait in declared[name].traits}
