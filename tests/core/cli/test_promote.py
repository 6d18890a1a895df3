"""`mozu rules promote`, and the modes of rules in `mozu rules list`."""

import json
from pathlib import Path

import pytest

from tests.core.cli.command_line import Run

RULES = """\
- rule: "A \\"new\\" rule"
  desc: d
  condition: evt.type = execve and proc.name = nc
  output: o
  priority: NOTICE
  tags: [fresh]
  mozu: {id: ACME-1, shadow: true}
- rule: Another
  desc: d
  condition: evt.type = execve and proc.name = gdb
  output: o
  priority: NOTICE
  tags: [fresh]
  mozu: {shadow: true}
- rule: Old
  desc: d
  condition: evt.type = execve and proc.name = ls
  output: o
  priority: NOTICE
"""


@pytest.fixture
def rules(tmp_path: Path) -> list[str]:
    """Return options that load the rules, then a local file."""
    (tmp_path / "rules.yaml").write_text(RULES)
    (tmp_path / "local.yaml").write_text("# mine\n- list: a\n  items: [b]")
    return ["-r", str(tmp_path / "rules.yaml"), "-r", str(tmp_path / "local.yaml")]


def _shadow(run: Run, rules: list[str]) -> list[str]:
    _, out, _ = run("rules", "list", *rules, "--json")
    return [one["name"] for one in json.loads(out) if one.get("shadow")]


def test_a_promoted_rule_is_in_shadow_mode_no_longer(tmp_path: Path, rules: list[str], run: Run) -> None:
    local = tmp_path / "local.yaml"
    assert ['A "new" rule', "Another"] == _shadow(run, rules)

    code, out, err = run("rules", "promote", *rules, "--to", str(local), 'A "new" rule')

    assert (0, "") == (code, err)
    assert f"{local}:4: the rule 'A \"new\" rule' leaves shadow mode" in out
    assert local.read_text().startswith("# mine\n- list: a\n  items: [b]\n- rule: ")
    assert ["Another"] == _shadow(run, rules)
    _, shown, _ = run("rules", "list", *rules)
    assert "Another (shadow)" in shown
    _, kept, _ = run("rules", "show", 'A "new" rule', *rules, "--json")
    assert "ACME-1" == json.loads(kept)["id"]


def test_a_tag_promotes_all_of_its_rules(tmp_path: Path, rules: list[str], run: Run) -> None:
    assert 0 == run("rules", "promote", *rules, "--to", str(tmp_path / "local.yaml"), "--tag", "fresh")[0]
    assert [] == _shadow(run, rules)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["Old"], "the rule 'Old' is not in shadow mode"),
        (["Anothr"], "no rule is called 'Anothr'"),
        ([], "no rule in shadow mode is chosen"),
        (["Another", "-o", 'evaluators.falco.selection=[{"shadow": {"rule": "An*"}}]'], "to its `selection`"),
    ],
)
def test_a_refusal_leaves_the_file_as_it_is(
    tmp_path: Path, rules: list[str], run: Run, arguments: list[str], expected: str
) -> None:
    local = tmp_path / "local.yaml"
    before = local.read_text()
    code, _, err = run("rules", "promote", *rules, "--to", str(local), *arguments)
    assert code != 0
    assert expected in err
    assert before == local.read_text()


def test_a_file_that_is_not_loaded_or_loaded_too_early_is_refused(
    tmp_path: Path, rules: list[str], run: Run
) -> None:
    code, _, err = run("rules", "promote", *rules, "--to", str(tmp_path / "other.yaml"), "Another")
    assert (2, True) == (code, "is not among the rule files in use" in err)

    last = tmp_path / "last.yaml"
    last.write_text("- rule: Another\n  mozu: {shadow: true}\n  override: {mozu: append}\n")
    code, _, err = run("rules", "promote", *rules, "-r", str(last), "--to", str(tmp_path / "local.yaml"), "Another")
    assert (1, True) == (code, "a rule file that is loaded later puts it there" in err)
