import pytest

from mozu.core.language.rules import SourceFile, load_texts, plugin_fields
from mozu.core.language.rules.json_fields import split_pointer, walk
from mozu.core.model.event import DataEvent
from mozu.core.model.fields import FieldRegistry
from mozu.core.model.value_types import JsonObject
from tests.core.language.rules.small import registry

RECORD: JsonObject = {"a": {"b/c": [1, {"d": True}], "~": None}, "text": "x"}


def _value(field: str, argument: str | None = None) -> object:
    return registry().resolve(field, argument).read(DataEvent("json", "json", 17, data=RECORD))


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("/text", "x"),
        ("text", "x"),
        ("/a/b~1c/0", "1"),
        ("/a/b~1c/1/d", "true"),
        ("/a/b~1c/2", None),
        ("/a/b~1c/x", None),
        ("/a/~0", "null"),
        ("/no", None),
        ("/text/x", None),
    ],
)
def test_a_pointer_leads_to_a_value(pointer: str, value: str | None) -> None:
    assert value == _value("json.value", pointer)


def test_an_empty_pointer_is_the_whole_record() -> None:
    assert RECORD == walk(RECORD, split_pointer(""))


def test_the_whole_record_prints_indented() -> None:
    assert str(_value("jevt.obj")).startswith('{\n  "a": {\n')


def test_the_time_is_a_text() -> None:
    assert "17" == _value("jevt.rawtime")


def test_fields_of_json_belong_to_sources_of_json() -> None:
    field = registry().get("json.value")

    assert field is not None
    assert "syscall" not in field.sources


def test_a_source_whose_records_are_json_can_be_added() -> None:
    text = "- {rule: r, desc: d, output: '%json.obj', priority: INFO, condition: 'json.value[/a] = b', source: my_log}"

    result = load_texts([SourceFile("t.yaml", text)], FieldRegistry(plugin_fields(["my_log"])))

    assert ([], ["r"]) == (list(result.report.problems()), [rule.name for rule in result.rules.rules])
