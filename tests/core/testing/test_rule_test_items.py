"""pytest collects the tests of rules by itself, and ignores other files of the same name."""

import subprocess
import sys
from pathlib import Path

from tests.core.rule_tests.suites import RULES

TESTS = """
- test: cat reads
  event: {evt.type: openat, fd.num: 3, fd.name: /secret/a, proc.name: cat}
  match: Secret read
- test: vi reads
  event: {evt.type: openat, fd.num: 3, fd.name: /secret/a, proc.name: vi}
  match: Secret read
- test: nothing
  evt: {}
"""
OTHERS = "rule_files: [rules.yml]\ntests: []\n"


def pytest_in(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(folder), *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_each_test_is_an_item_with_its_name_and_its_place(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules/my.yaml").write_text(RULES)
    (tmp_path / "rules/my_test.yaml").write_text(TESTS)
    (tmp_path / "prometheus_test.yaml").write_text(OTHERS)
    done = pytest_in(tmp_path)
    lines = done.stdout.splitlines()
    assert done.returncode == 1, done.stderr
    assert lines[-1].startswith("2 failed, 1 passed in ")
    assert "rules/my_test.yaml:9:3: the test `nothing` has no key `evt`; did you mean `event`?" in "\n".join(lines)
    assert "rules/my_test.yaml:6:10: `Secret read` should match, and stayed quiet" in lines
    assert "`proc.name in (readers)` is false (proc.name is `vi`) [macro" not in done.stdout
    assert "mozu: 1 of 2 rules seen to match; 1 of 5 arms of conditions seen true and false (20.0 %)" in lines
    assert "Traceback" not in done.stdout


def test_one_test_is_chosen_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "my.yaml").write_text(RULES)
    (tmp_path / "my_test.yaml").write_text(TESTS)
    assert pytest_in(tmp_path, "my_test.yaml::cat reads").stdout.splitlines()[-1].startswith("1 passed in ")
