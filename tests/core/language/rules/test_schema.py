"""The JSON Schema of rule files accepts what the reader accepts without a warning, and refuses what it refuses."""

from pathlib import Path
from typing import Any, Final

import jsonschema_rs
import pytest
import yaml

from mozu.core.language.rules import load
from mozu.core.language.rules.guidance import Guidance
from mozu.core.language.rules.rule_reader import RULE_KEYS
from mozu.core.language.rules.rule_test_names import is_rule_tests
from mozu.core.language.rules.schema import rules_schema
from mozu.core.testing import context
from tests.support.requirements import ROOT, corpus

SCHEMA: Final[dict[str, Any]] = rules_schema()
VALID: Final = jsonschema_rs.validator_for(SCHEMA)
PACKS: Final = sorted(path for path in (ROOT / "plugins/rules").rglob("*.yaml") if not is_rule_tests(path))
RULE: Final = "- rule: a\n  desc: b\n  condition: evt.type=open\n  output: o\n  priority: info\n"


class Yaml12(yaml.SafeLoader):
    """A loader in which `=` is a text, as in YAML 1.2 and editors; PyYAML has no value for it."""


Yaml12.add_constructor("tag:yaml.org,2002:value", lambda loader, node: str(node.value))


def mistakes(text: str) -> list[str]:
    return [str(one.message) for one in VALID.iter_errors(yaml.load(text, Yaml12))]


@pytest.mark.parametrize("path", PACKS, ids=lambda path: path.name)
def test_the_packs_are_valid(path: Path) -> None:
    assert [] == mistakes(path.read_text())


@pytest.mark.corpus
def test_falcos_own_rules_are_valid() -> None:
    files = sorted(corpus("falco-rules").glob("*.yaml"))

    assert files
    assert {} == {file.name: found for file in files if (found := mistakes(file.read_text()))}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "- required_engine_version: 15\n",
        "- required_engine_version: 0.44.0\n",
        "- required_plugin_versions: [{name: json, version: 0.7.0, alternatives: [{name: other, version: 1.0.0}]}]\n",
        "- list: ports\n  items: [22, ssh, 443, yes]\n",
        "- list: bad\n  items_from: bad.txt\n",
        "- exception: e\n  fields: [proc.name]\n  values: [[a]]\n  mozu: {author: ana, expires: '2027-01-01'}\n",
        "- exception: e\n  values: [a]\n  override: {values: append}\n",
        RULE + "  mozu: {exceptions: [e]}\n",
        "- macro: m\n  condition: evt.type=open\n",
        RULE.replace("condition: evt.type=open", "correlation: {type: temporal, rules: [x, y], timespan: 1m}"),
        RULE,
        RULE + "  tags: [T1003, 5]\n  enabled: off\n",
        RULE + "  exceptions: [{name: e, fields: [proc.name, fd.name], comps: [in, =], values: [[[a, b], c]]}]\n",
        "- rule: a\n  condition: and x\n  override: {condition: append}\n",
        "- rule: a\n  enabled: false\n",
        "- rule: a\n  priority: WARNING\n  override: {priority: replace}\n",
    ],
)
def test_what_the_reader_takes_is_valid(text: str) -> None:
    assert [] == mistakes(text)


@pytest.mark.parametrize(
    "text",
    [
        "rules: []\n",
        "- text\n",
        "- zzz: a\n",
        "- rule: a\n",
        "- rule: a\n  desc: b\n",
        RULE + "  conditoin: x\n",
        RULE.replace("info", "severe"),
        RULE + "  tags: text\n",
        RULE + "  tags: [[a]]\n",
        RULE + "  exceptions: [{fields: [a]}]\n",
        RULE + "  mozu: {maturity: old}\n",
        "- rule: a\n  priority: info\n  override: {priority: append}\n",
        "- list: a\n",
        "- list: a\n  items: [b]\n  items_from: b.txt\n",
        "- list: a\n  items_from: []\n",
        "- macro: a\n  condition: [x]\n",
        "- required_plugin_versions: {name: json}\n",
    ],
)
def test_what_the_reader_refuses_or_warns_about_is_not(text: str, tmp_path: Path) -> None:
    assert mistakes(text)
    path = tmp_path / "rules.yaml"
    path.write_text(text)
    assert list(load([path], context().fields).report.problems())


def test_every_key_of_a_rule_is_in_it() -> None:
    rule = SCHEMA["items"]["anyOf"][-2]

    assert set(RULE_KEYS) == set(rule["properties"])
    assert {*Guidance.__struct_fields__, "exceptions"} == set(rule["properties"]["mozu"]["properties"])
