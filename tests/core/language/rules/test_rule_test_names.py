"""A directory of rules may contain their tests: these files are skipped, and no file with rules is."""

from pathlib import Path

from mozu.core.language.rules import expand

TESTS = "# about\n- given: {a: b}\n- test: x\n"
RULES = "- rule: x\n"


def test_tests_beside_rules_are_not_loaded_as_rules(tmp_path: Path) -> None:
    for name, text in (("a.yaml", RULES), ("a_test.yaml", TESTS), ("b_test.yml", "- rules: a.yaml\n")):
        (tmp_path / name).write_text(text)
    assert [path.name for path in expand([tmp_path])] == ["a.yaml"]
    assert [path.name for path in expand([tmp_path / "a_test.yaml"])] == ["a_test.yaml"]


def test_rules_in_a_file_of_such_a_name_are_loaded(tmp_path: Path) -> None:
    texts = (RULES, TESTS + RULES, "- macro: m\n", "", "- required_engine_version: 1\n")
    for number, text in enumerate(texts):
        (tmp_path / f"{number}_test.yaml").write_text(text)
    assert [path.name for path in expand([tmp_path])] == [f"{number}_test.yaml" for number in range(len(texts))]
