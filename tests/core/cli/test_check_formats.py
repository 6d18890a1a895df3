"""`mozu check --format sarif|github` prints each finding with its place, for programs that show it beside the text."""

import json
from pathlib import Path

from mozu.core.cli.check_formats import github, sarif
from mozu.core.language.rules import RuleProblem, load, plugin_fields, review
from mozu.core.model.fields import FieldRegistry
from mozu.core.model.fields.builtin import builtin_fields

FIELDS = FieldRegistry((*builtin_fields(), *plugin_fields()))
RULE = """- rule: r
  desc: d
  output: a %proc.name
  priority: INFO
  condition: evt.type = execve and proc.name = /bin/nc
"""


def problems(file: Path, text: str = RULE) -> list[RuleProblem]:
    file.write_text(text)
    loaded = load([file], FIELDS)
    return [*loaded.report.problems(), *review(loaded.rules, FIELDS, strict=True)]


def test_an_annotation_names_file_line_column_and_code(tmp_path: Path) -> None:
    file = tmp_path / "a,b.yaml"

    text = github(problems(file))

    where = f"file={str(file).replace(',', '%2C')},line=5,col=48,title=LINT_IMPOSSIBLE_VALUE"
    assert text.startswith(f"::warning {where}::proc.name is the name of a program's file without its directory: ")


def test_a_message_cannot_begin_another_annotation(tmp_path: Path) -> None:
    text = github(problems(tmp_path / "a.yaml", RULE.replace("/bin/nc", '"/bin/%0A\\n::error::"')))

    lines = text.splitlines()
    assert (2, True) == (len(lines), all(line.startswith("::warning file=") and "%250A" in line for line in lines))


def test_a_log_of_sarif_has_a_result_for_each_finding_and_a_rule_for_each_code(tmp_path: Path) -> None:
    [run] = json.loads(sarif(problems(tmp_path / "a.yaml", RULE + RULE.replace("rule: r", "rule: s"))))["runs"]

    levels = {one["ruleId"]: one["level"] for one in run["results"]}
    lines = [one["locations"][0]["physicalLocation"]["region"]["startLine"] for one in run["results"]]
    assert levels["LINT_IMPOSSIBLE_VALUE"] == "warning"
    assert {one["id"] for one in run["tool"]["driver"]["rules"]} == set(levels)
    assert {5, 10} <= set(lines)
