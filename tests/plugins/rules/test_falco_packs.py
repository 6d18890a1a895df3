"""Which of mozu's own rules run: packs and levels."""

from typing import Any

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
    chosen = {"packs": (), "level": "low", "selection": ({"enable": {"rule": "Time of a file forged"}},)}
    assert ["Time of a file forged"] == list(running(**chosen))


def test_every_rule_says_what_to_do_next_and_how_far_it_is_to_be_trusted() -> None:
    for rule in load([PACKS], context().fields).rules.rules:
        assert rule.guidance.next, rule.name
        assert rule.guidance.maturity, rule.name


def test_every_output_says_who_did_it_and_where() -> None:
    needed = {
        "evt.type", "proc.name", "proc.cmdline", "proc.exepath", "proc.cwd", "proc.pid", "proc.pname", "proc.ppid",
        "proc.pcmdline", "proc.aname[2]", "proc.aname[3]", "user.name",
        "user.uid", "user.loginname", "user.loginuid", "proc.tty", "container.id", "container.name",
        "container.image.repository", "container.image.tag", "k8s.pod.name", "k8s.ns.name",
    }  # fmt: skip
    lacking = {rule.name: needed.difference(rule.output.fields) for rule in load([PACKS], context().fields).rules.rules}
    assert {} == {name: fields for name, fields in lacking.items() if fields}
