from typing import Any

from mozu.core.language.rules import describe_rules
from tests.core.language.rules.small import loaded, registry

TEXT = """\
- required_engine_version: 15
- required_engine_version: 0.50.0
- required_plugin_versions: [{name: k8saudit-eks, version: 0.12.0, alternatives: [{name: json, version: 0.7.0}]}]
- {list: inner, items: [c]}
- {list: names, items: [a, inner]}
- {macro: named, condition: proc.name in (names)}
- {macro: unseen, condition: "no such"}
- rule: r
  desc: what it is for
  output: "%user.name %fd.name"
  priority: INFO
  condition: evt.type = open and named
  tags: [b, a]
  exceptions: [{name: e, fields: proc.pname, values: [x]}]
"""


def _described() -> Any:
    return describe_rules(loaded(TEXT.replace('"no such"', "proc.name = x")), registry())


def test_a_rule_is_described_as_written_and_as_compiled() -> None:
    (rule,) = _described()["rules"]

    assert {
        "name": "r",
        "condition": "evt.type = open and named",
        "priority": "Informational",
        "output": "%user.name %fd.name",
        "description": "what it is for",
        "enabled": True,
        "source": "syscall",
        "capture": False,
        "capture_duration": 0,
        "tags": ["a", "b"],
        "file": "1.yaml",
        "line": 8,
    } == rule["info"]
    assert {
        "macros": ["named"],
        "lists": [],
        "condition_operators": ["=", "in"],
        "condition_fields": ["evt.type", "proc.name", "proc.pname"],
        "output_fields": ["fd.name", "user.name"],
        "exception_names": ["e"],
        "exception_fields": ["proc.pname"],
        "exception_operators": ["in"],
        "events": ["open"],
        "condition_compiled": "(evt.type = open and proc.name in (a, c)) and not proc.pname in (x)",
        "output_compiled": "%user.name %fd.name",
        "extra_output_formatted_fields": {},
        "plugins": [],
        "needs": ["cwd", "enricher:users", "ids"],
    } == rule["details"]


def test_a_macro_is_described() -> None:
    named, unseen = _described()["macros"]

    assert (True, ["names"], "proc.name in (a, c)") == (
        named["details"]["used"],
        named["details"]["lists"][-1:],
        named["details"]["condition_compiled"],
    )
    assert not unseen["details"]["used"]


def test_a_list_is_described() -> None:
    _, names = _described()["lists"]

    assert {"used": True, "lists": ["inner"], "items_compiled": ["a", "c"]} == names["details"]


def test_what_the_files_require_is_reported() -> None:
    described = _described()

    assert "0.50.0" == described["required_engine_version"]
    assert [
        {"name": "k8saudit-eks", "version": "0.12.0", "alternatives": [{"name": "json", "version": "0.7.0"}]}
    ] == described["required_plugin_versions"]
