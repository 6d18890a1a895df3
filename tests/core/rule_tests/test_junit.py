"""JUnit XML, as CI tools read it."""

from pathlib import Path
from xml.etree import ElementTree

from mozu.core.rule_tests.junit import junit
from tests.core.rule_tests.suites import RULES, run

TESTS = """
- test: passes & "quotes"
  event: {evt.type: openat}
  quiet: Secret read
- test: fails
  event: {evt.type: openat}
  match: Secret read
- test: "cannot be \\x07"
  event: {evt.type: opena}
  match: Secret read
"""


def test_each_test_is_a_case_with_what_is_to_be_said(tmp_path: Path) -> None:
    outcomes, coverage = run(tmp_path, RULES, TESTS)
    root = ElementTree.fromstring(junit(outcomes, coverage))
    (suite,) = root.iter("testsuite")
    cases = {case.get("name"): case for case in suite.iter("testcase")}
    counts = ("tests", "failures", "errors", "skipped")
    assert {name: root.get(name) for name in counts} == {"tests": "3", "failures": "1", "errors": "1", "skipped": "0"}
    assert list(cases) == ['passes & "quotes"', "fails", "cannot be �"]
    assert {case.get("classname") for case in cases.values()} == {str(tmp_path / "my_test.yaml")}
    failure, error = cases["fails"].find("failure"), cases["cannot be �"].find("error")
    assert failure is not None
    assert "`Secret read` should match" in (failure.get("message") or "")
    assert "is false" in (failure.text or "")
    assert error is not None
    assert "there is no event type `opena`" in (error.get("message") or "")
    assert [(one.get("name"), one.get("value")) for one in suite.iter("property")] == [("arms_covered_percent", "0.0")]
