"""The arms of conditions that count as seen: reached from left to right, true and false, by tests that name the rule.
"""

from pathlib import Path

from mozu.core.rule_tests.coverage import Coverage
from mozu.core.rule_tests.report import coverage_summary, uncovered_lines
from tests.core.rule_tests.suites import RULES, run

READ = "evt.type: openat, fd.num: 3, fd.name: /secret/a, proc.name: cat"


def seen(coverage: Coverage) -> dict[str, str]:
    """Return arm → values seen, `T`, `F`, both or neither."""
    return {arm.text: "T" * arm.seen_true + "F" * arm.seen_false for arm in coverage.arms}


def covered_by(folder: Path, *tests: str, rules: str = RULES) -> dict[str, str]:
    text = "".join(f"- test: t{number}\n  {test}\n" for number, test in enumerate(tests))
    outcomes, coverage = run(folder, rules, text)
    assert all(one.kind.value == "passed" for one in outcomes), outcomes
    return seen(coverage)


def test_a_match_sees_what_it_comes_to(tmp_path: Path) -> None:
    assert covered_by(tmp_path, f"event: {{{READ}}}\n  match: Secret read") == {
        "evt.type in (open, openat)": "T",
        "fd.num >= 0": "T",
        "fd.name startswith /secret/": "T",
        "proc.name in (readers)": "T",
        "proc.aname = make": "F",
    }


def test_nothing_is_seen_behind_what_decides(tmp_path: Path) -> None:
    test = "event: {evt.type: openat, fd.num: 3, fd.name: /x, proc.name: cat}\n  quiet: Secret read"
    found = covered_by(tmp_path, test)
    assert (found["fd.name startswith /secret/"], found["proc.name in (readers)"]) == ("F", "")


def test_of_or_the_second_is_seen_only_where_the_first_is_false(tmp_path: Path) -> None:
    rules = RULES.replace("proc.name in (readers)", "(proc.name = cat or proc.name = less)")
    first = covered_by(tmp_path, f"event: {{{READ}}}\n  match: Secret read", rules=rules)
    both = covered_by(tmp_path, f"event: {{{READ.replace('cat', 'less')}}}\n  match: Secret read", rules=rules)
    assert [first["proc.name = cat"], first["proc.name = less"]] == ["T", ""]
    assert [both["proc.name = cat"], both["proc.name = less"]] == ["F", "T"]


def test_a_test_covers_the_rules_that_it_names_and_no_others(tmp_path: Path) -> None:
    assert covered_by(tmp_path, f"event: {{{READ}}}\n  match: Anything opened")["proc.name in (readers)"] == ""


def test_an_arm_of_a_macro_counts_once_for_all_rules(tmp_path: Path) -> None:
    found = covered_by(
        tmp_path,
        f"event: {{{READ}}}\n  match: Secret read",
        "event: {evt.type: openat}\n  quiet: Anything opened",
        "event: {evt.type: unlink}\n  quiet: Anything opened",
    )
    assert (found["evt.type in (open, openat)"], found["fd.num >= 0"]) == ("TF", "TF")


def test_what_no_event_can_change_is_no_arm(tmp_path: Path) -> None:
    rules = RULES.replace("condition: opened\n", "condition: opened and evt.num > 0 and not evt.num = 0\n")
    found = covered_by(tmp_path, f"event: {{{READ}}}\n  match: Secret read", rules=rules)
    assert [text for text in found if "evt.num" in text] == []


def test_arms_of_exceptions_count_each_by_itself(tmp_path: Path) -> None:
    rules = RULES.replace(
        "  priority: NOTICE\n",
        "  priority: NOTICE\n  exceptions:\n    - name: mine\n      fields: [proc.pname, fd.name]\n"
        "      comps: [=, endswith]\n      values: [[sh, .txt], [bash, .md]]\n",
    )
    found = covered_by(tmp_path, f"event: {{{READ}, proc.pname: bash}}\n  match: Secret read", rules=rules)
    assert {text: sides for text, sides in found.items() if "pname" in text or "endswith" in text} == {
        "proc.pname = sh": "F", "fd.name endswith .txt": "", "proc.pname = bash": "T", "fd.name endswith .md": "F",
    }  # fmt: skip


def test_what_is_missing_is_listed_with_its_place(tmp_path: Path) -> None:
    _, coverage = run(tmp_path, RULES, f"- test: a\n  event: {{{READ}}}\n  match: Secret read\n")
    lines = [line.replace(f"{tmp_path}/", "") for line in uncovered_lines(coverage)]
    assert lines == [
        "rule never seen to match: Anything opened",
        "my.yaml:5:15: never false: evt.type in (open, openat)  (macro opened)",
        "my.yaml:5:46: never false: fd.num >= 0  (macro opened)",
        "my.yaml:8:25: never false: fd.name startswith /secret/  (rule Secret read)",
        "my.yaml:8:57: never false: proc.name in (readers)  (rule Secret read)",
        "my.yaml:8:88: never true: proc.aname = make  (rule Secret read)",
    ]
    assert coverage_summary(coverage) == (
        "1 of 2 rules seen to match; 0 of 5 arms of conditions seen true and false (0.0 %)"
    )


def test_a_test_that_fails_shows_no_rule_to_match(tmp_path: Path) -> None:
    _, coverage = run(tmp_path, RULES, f"- test: a\n  event: {{{READ}}}\n  match: Secret read\n  output: other\n")
    assert coverage.rules == {"Secret read": False, "Anything opened": False}
