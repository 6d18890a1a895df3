import json
from typing import Any

import pytest

from mozu.core.language.rules import Code
from mozu.core.language.rules.codes import ENTRIES
from mozu.core.language.rules.source import snippet
from tests.core.language.rules.small import loaded

BROKEN = """\
- macro: m
  condition: proc.name = a
- rule: r
  desc: d
  output: o
  priority: INFO
  condition: >
    evt.type = open
    and proc.pid = abc
"""


WRONG = """\
- rule: one
  desc: d
  priority: INFO
  condition: evt.type = open
  output: a %proc.nmae b %fd.nmae 100%% %evt.num %
- rule: two
  desc: d
  priority: INFO
  condition: evt.type = open
  output: o
  exceptions:
    - {name: a, fields: [proc.name, fd.name], values: [[x], [x, y], [x, y, z], x]}
    - {name: b, fields: proc.name, values: [x, [y]]}
    - {name: c, fields: [proc.nmae, fd.nmae], comps: [equals, like]}
- rule: three
  desc: d
  priority: INFO
  condition: evt.type = open
  output: o
  exceptions:
    - {name: a, fields: [proc.name, fd.name], values: [[x, [y]], [x, y], [[x], y]]}
"""


def test_every_error_of_an_output_and_every_value_of_an_exception_is_reported() -> None:
    (file,) = loaded(WRONG).report.files
    places = [problem.place for problem in file.errors]
    in_output, in_values = [(5, 14), (5, 27), (5, 38), (5, 50)], [(12, 56), (12, 69), (12, 80), (13, 48)]
    assert places == [*in_output, *in_values, *[(14, 7)] * 4, (21, 56), (21, 74)]


def test_the_json_form_is_that_of_falcos_validation() -> None:
    report = loaded(BROKEN).report

    (file,) = json.loads(report.as_json())["falco_load_results"]

    begin = {"item_type": "rules content", "item_name": "", "position": _position("1.yaml", 0, 0, 0)}
    rule = {"item_type": "rule", "item_name": "r", "position": _position("1.yaml", 2, 2, 40)}
    key = {"item_type": "rule condition", "item_name": "", "position": _position("1.yaml", 6, 13, 100)}
    expression = {
        "item_type": "condition expression",
        "item_name": "",
        "position": _position('"evt.type = open and ..."', 0, 31, 31),
    }
    error = {
        "context": {
            "locations": [begin, rule, key, expression],
            "snippet": "evt.type = open and proc.pid = abc\n                               ^\n",
        },
        "code": "LOAD_ERR_COMPILE_CONDITION",
        "codedesc": "Error compiling condition",
        "message": "proc.pid is of type int: `abc` must be a decimal number",
    }
    assert {"name": "1.yaml", "successful": False, "errors": [error], "warnings": []} == file


def _position(name: str, line: int, column: int, offset: int) -> dict[str, object]:
    return {"name": name, "line": line, "column": column, "offset": offset}


def test_the_json_form_of_a_warning_explains_it_and_names_a_deprecated_field() -> None:
    text = "- {rule: r, desc: d, output: o, priority: INFO, condition: evt.type = open and evt.dir = <}"

    report: Any = loaded(text).report.as_dict()
    (file,) = report["falco_load_results"]

    (warning,) = file["warnings"]
    assert (Code.LOAD_DEPRECATED_ITEM.paragraph, "evt.dir") == (warning["codedesc"], warning["deprecated_field"])


def test_the_verbose_form_shows_place_chain_line_caret_and_suggestion() -> None:
    text = "- {rule: r, desc: d, output: o, priority: INFO, condition: evt.type = open and proc.nme = x}"

    expected = """\
1.yaml: Invalid
1 Errors:
1.yaml:1:80: LOAD_ERR_COMPILE_CONDITION (Error compiling condition): proc.nme: nonexistent field
In rule 'r', rule condition, condition expression
------
evt.type = open and proc.nme = x
                    ^
------
help: did you mean proc.name?"""
    assert expected == loaded(text).report.verbose()


def test_a_refusal_leaves_out_files_without_an_error() -> None:
    report = loaded("- {list: a, items: []}", "- {rule: r, desc: d, output: o, priority: NUTS, condition: x}").report

    assert [True, False] == [file.ok for file in report.files]
    assert report.refusal() == report.files[1].verbose()


def test_the_brief_form_counts_and_names_codes() -> None:
    text = "- {macro: a, condition: proc.nme}\n- {foo: bar}\n- {bar: foo}"

    expected = """\
1.yaml: Invalid
 1 errors: [LOAD_ERR_COMPILE_CONDITION (Error compiling condition)]
 2 warnings: [LOAD_UNKNOWN_ITEM (Unknown rules file item) LOAD_UNKNOWN_ITEM (Unknown rules file item)]"""
    assert expected == loaded(text).report.brief()


@pytest.mark.parametrize(
    ("text", "verdict"),
    [("[]", "1.yaml: Ok"), ("- {foo: bar}", "1.yaml: Ok, with warnings"), ("- rule: r", "1.yaml: Invalid")],
)
def test_the_verdict_on_a_file(text: str, verdict: str) -> None:
    assert verdict == loaded(text).report.brief().splitlines()[0]


def test_problems_of_all_files_are_reported_in_one_go() -> None:
    report = loaded("- {macro: a}", "- [", "- {list: b}").report

    assert ["1.yaml", "2.yaml", "3.yaml"] == [problem.file for problem in report.problems()]


def test_of_very_many_problems_the_first_are_shown_and_the_rest_is_counted() -> None:
    report = loaded("- {foo: bar}\n" * 1_500).report

    assert (1_000, 500) == (len(report.files[0].problems), report.files[0].unshown)


def test_an_error_behind_very_many_warnings_still_counts() -> None:
    assert not loaded("- {foo: bar}\n" * 1_500 + "- rule: r\n").ok


def test_every_code_has_a_title_and_a_paragraph() -> None:
    assert set(Code) == set(ENTRIES)


def test_errors_are_those_whose_name_says_so() -> None:
    assert {code for code in Code if code.value.startswith("LOAD_ERR_")} == {code for code in Code if code.is_error}


def test_a_long_line_is_clipped_on_both_sides_of_the_place() -> None:
    line, caret = snippet("a" * 500 + "!" + "b" * 500, 500).splitlines()

    assert ("..." + "a" * 80 + "!" + "b" * 79 + "...", "!") == (line, line[len(caret) - 1])


def test_a_snippet_keeps_control_characters_to_itself() -> None:
    line, _ = snippet("a\x1b[31m\tb", 0).splitlines()

    assert "a�[31m b" == line
