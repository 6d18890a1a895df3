"""`mozu test`: exit codes and output."""

from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from mozu.core.cli import invoke
from tests.core.rule_tests.suites import RULES

Run = Callable[..., tuple[int, str, str]]
READ = "{evt.type: openat, fd.num: 3, fd.name: /secret/a, proc.name: cat}"
GOOD = f"- test: a\n  event: {READ}\n  match: Secret read\n"
BAD = f"- test: b\n  event: {READ}\n  quiet: Secret read\n"


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    (tmp_path / "my.yaml").write_text(RULES)
    monkeypatch.chdir(tmp_path)

    def run(tests: str, *arguments: object) -> tuple[int, str, str]:
        (tmp_path / "my_test.yaml").write_text(tests)
        code = invoke(["test", *map(str, arguments)])
        output = capsys.readouterr()
        return code, output.out, output.err

    return run


def test_tests_of_the_directory_run_and_pass(run: Run) -> None:
    code, out, err = run(GOOD)
    assert (code, err) == (0, "")
    assert out.splitlines()[0].startswith("1 passed in ")
    assert out.splitlines()[1] == "1 of 2 rules seen to match; 0 of 5 arms of conditions seen true and false (0.0 %)"


def test_a_failure_is_reported_with_its_place_and_gives_exit_code_1(run: Run) -> None:
    code, out, _ = run(GOOD + BAD)
    assert code == 1
    first, second = out.splitlines()[:2]
    assert first == "FAILED b"
    assert second.startswith("  my_test.yaml:5:10: `Secret read` should stay quiet, and matched: a secret was read")
    assert "\n1 passed, 1 failed in " in out


def test_no_tests_are_no_success(run: Run) -> None:
    code, _, err = run("")
    assert (code, err) == (1, "mozu: no tests were found; they are in files whose names end with _test.yaml\n")


def test_less_coverage_than_asked_for_gives_exit_code_1(run: Run) -> None:
    assert run(GOOD, "--min-coverage", 0)[0] == 0
    code, _, err = run(GOOD, "--min-coverage", 50)
    assert (code, err) == (1, "mozu: 0.0 % of the arms are covered, and --min-coverage asks for 50 %\n")


def test_what_is_not_covered_is_listed_on_request(run: Run) -> None:
    _, out, _ = run(GOOD, "--coverage")
    assert "my.yaml:8:88: never true: proc.aname = make  (rule Secret read)" in out.splitlines()


def test_a_junit_file_is_written(run: Run, tmp_path: Path) -> None:
    run(GOOD + BAD, "--junit", "report.xml")
    root = ElementTree.parse(tmp_path / "report.xml").getroot()
    assert [case.get("name") for case in root.iter("testcase")] == ["a", "b"]


def test_a_junit_file_that_cannot_be_written_is_reported(run: Run) -> None:
    code, _, err = run(GOOD, "--junit", "missing/report.xml")
    assert (code, err) == (1, "mozu: missing/report.xml cannot be written: No such file or directory\n")


def test_other_rules_can_be_given(run: Run, tmp_path: Path) -> None:
    (tmp_path / "other").write_text(RULES.replace("Secret read", "Other"))
    code, out, _ = run(GOOD, "-r", "other")
    assert code == 1
    assert "no rule is called `Secret read`; they are in other" in out


def test_names_from_files_steer_no_terminal(run: Run) -> None:
    _, out, _ = run(BAD.replace("test: b", 'test: "b \\x1b[31m"'))
    assert out.startswith("FAILED b \\x1b[31m\n")


def test_with_watch_tests_run_again_after_a_change(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = iter([GOOD + BAD, GOOD])

    def changes(_: float) -> None:
        text = next(texts, None)
        if text is None:
            raise KeyboardInterrupt
        (tmp_path / "my_test.yaml").write_text(text)

    monkeypatch.setattr("mozu.core.cli.repeated.sleep", changes)
    code, out, _ = run(GOOD, "--watch")
    results = [line.split(" in ")[0] for line in out.splitlines() if " in 0." in line]
    assert (code, results) == (0, ["1 passed", "1 passed, 1 failed", "1 passed"])
