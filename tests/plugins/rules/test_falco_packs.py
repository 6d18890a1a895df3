"""Selection of mozu's own rules: packs and levels."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from mozu.core.cli import invoke
from mozu.core.errors import RulesError
from mozu.core.language.rules import load
from mozu.plugins.rules.falco.evaluator import FalcoEvaluator
from mozu.plugins.rules.falco.settings import LEVELS, PACK_NAMES, PACKS, FalcoSettings
from tests.plugins.rules.making import context


def running(**settings: Any) -> dict[str, tuple[str, ...]]:
    evaluator = FalcoEvaluator(FalcoSettings(**settings), context())
    return {rule.name: rule.tags for rule in evaluator.rules}


def test_every_rule_is_of_one_pack_and_one_level() -> None:
    for name, tags in running(level="paranoid").items():
        assert 1 == sum(tag.startswith("pack_") for tag in tags), name
        assert 1 == sum(tag.startswith("level_") for tag in tags), name
        assert {tag for tag in tags if tag.startswith("level_")} <= {f"level_{level}" for level in LEVELS}
        assert {tag for tag in tags if tag.startswith("pack_")} <= {f"pack_{pack}" for pack in PACK_NAMES}


def test_a_level_has_the_rules_of_those_before_it() -> None:
    low, medium, paranoid = (set(running(level=level)) for level in LEVELS)
    assert low < medium < paranoid
    assert medium == set(running())


def test_a_pack_runs_alone() -> None:
    assert {"pack_kubernetes"} == {
        tag for tags in running(packs=("kubernetes",)).values() for tag in tags if tag.startswith("pack_")
    }


def test_what_packs_and_level_switch_off_a_selection_switches_on_again() -> None:
    chosen = {"packs": (), "level": "low", "selection": ({"enable": {"rule": "File timestamp forged"}},)}
    assert ["File timestamp forged"] == list(running(**chosen))


def test_every_rule_says_what_to_do_next_and_how_far_it_is_to_be_trusted() -> None:
    for rule in load([PACKS], context().fields).rules.rules:
        assert rule.guidance.next, rule.name
        assert rule.guidance.maturity, rule.name


RULE = """
- rule: Mine
  desc: A rule of one's own.
  condition: evt.type = openat and fd.name = /x
  output: "%fd.name"
  priority: NOTICE
"""


def left_out(folder: Path) -> str:
    (folder / "mine.yaml").write_text(RULE)
    count = len(load([PACKS], context().fields).rules.rules)
    why = "because `rules` replaces them: add package:mozu/plugins/rules/packs to `rules` to have them, too"
    return f"mozu's own rules ({count}) are not loaded, {why}"


def test_rules_of_ones_own_that_replace_mozus_are_said_to_when_they_are_loaded(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    text = left_out(tmp_path)
    with caplog.at_level("INFO"):
        running(rules=(tmp_path,))
        assert [text] == [line for line in caplog.messages if "mozu's own" in line]
        running(rules=(PACKS, tmp_path))
        running()
    assert 1 == caplog.text.count("mozu's own")


def test_a_check_says_once_that_mozus_own_rules_are_not_loaded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = left_out(tmp_path)
    config = tmp_path / "mozu.yml"
    config.write_text(f"evaluators: [{{falco: {{rules: [{tmp_path}/mine.yaml]}}}}]\nsinks: [stdout]\n")
    command = ["check", "--for-another-machine", "-c", str(config)]
    assert 0 == invoke(command)
    said = capsys.readouterr()
    assert 1 == (said.out + said.err).count(f"evaluator falco: {text}")
    assert 0 == invoke([*command, "--json"])
    assert [f"evaluator falco: {text}"] == orjson.loads(capsys.readouterr().out)["configuration"]["notes"]


@pytest.mark.parametrize(
    "change",
    [
        "- rule: File timestamp forged\n  enabled: false\n",
        "- rule: File timestamp forged\n  condition: and proc.name != x\n  override: {condition: append}\n",
    ],
)
def test_a_change_of_a_rule_of_mozus_that_is_not_loaded_says_what_to_add(tmp_path: Path, change: str) -> None:
    (tmp_path / "mine.yaml").write_text(change)
    with pytest.raises(RulesError, match=r"mozu's own, in .*yaml, .* put package:mozu/plugins/rules/packs before"):
        running(rules=(tmp_path,))
    running(rules=(PACKS, tmp_path))


@pytest.mark.parametrize("kind", ["macro", "list"])
def test_so_does_a_change_of_a_macro_or_list_of_mozus(tmp_path: Path, kind: str) -> None:
    loaded = load([PACKS], context().fields).rules
    name = (loaded.macros if kind == "macro" else loaded.lists)[0].name
    key, more = ("condition", "or proc.name = x") if kind == "macro" else ("items", "[x]")
    (tmp_path / "mine.yaml").write_text(f"- {kind}: {name}\n  {key}: {more}\n  override: {{{key}: append}}\n")
    with pytest.raises(RulesError, match="package:mozu/plugins/rules/packs"):
        running(rules=(tmp_path,))
