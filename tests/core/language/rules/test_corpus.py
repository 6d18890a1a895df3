"""Public rule files, unchanged. They are no part of the project: MOZU_CORPUS is their directory."""

import pytest

from mozu.core.language.rules import LoadResult, describe_rules, load, plugin_fields
from mozu.core.model.fields import FieldRegistry
from mozu.core.model.fields.builtin import builtin_fields
from tests.support.requirements import corpus

FILES = {
    "falco_rules.yaml": 25,
    "falco-incubating_rules.yaml": 31,
    "falco-sandbox_rules.yaml": 37,
    "k8s_audit_rules.yaml": 48,
}

DOUBTS = {
    "falco-sandbox_rules.yaml": [
        "1049: evt.arg.filename is always absent: no event type of the rule `Container Drift Detected (open+create)` "
        "(creat, open, openat, openat2) has a parameter `filename`"
    ]
}
"""File → expected problems."""

pytestmark = pytest.mark.corpus


def _fields() -> FieldRegistry:
    return FieldRegistry((*builtin_fields(), *plugin_fields()))


def _load(*names: str) -> LoadResult:
    return load([corpus("falco-rules", name) for name in names], _fields())


@pytest.mark.parametrize(("name", "count"), FILES.items())
def test_every_rule_of_the_file_compiles_and_only_known_doubts_are_said_about_it(name: str, count: int) -> None:
    result = _load(name)

    assert DOUBTS.get(name, []) == [f"{problem.place[0]}: {problem.message}" for problem in result.report.problems()]
    assert count == len(result.rules.rules)


def test_the_files_load_together_in_their_order() -> None:
    result = _load(*FILES)

    assert "" == "\n".join(problem.message for problem in result.report.problems() if problem.code.is_error)


def test_every_rule_macro_and_list_can_be_described() -> None:
    result = _load(*FILES)

    described = describe_rules(result, _fields())

    names = [rule["info"]["name"] for rule in described["rules"] if rule["details"]["condition_compiled"]]
    assert [rule.name for rule in result.rules.rules] == names
