import re

import pytest

from mozu.core.model.alert.attack import Attack, Tactic, Technique, attack
from mozu.core.model.alert.attack_names import technique_names
from tests.support.requirements import ROOT


def known(*tags: str) -> Attack:
    found = attack(tags)
    assert found is not None
    return found


def test_tags_that_speak_of_nothing_have_no_mapping() -> None:
    assert attack(("container", "T12345", "mitre_nothing")) is None


@pytest.mark.parametrize("tag", ["mitre_command_and_control", "TA0011", "ta0011"])
def test_a_tactic_is_named_by_its_words_or_its_id(tag: str) -> None:
    assert (Tactic("TA0011", "Command and Control"),) == known(tag).tactics


def test_a_sub_technique_brings_the_technique_above_it() -> None:
    whole = Technique("T1059", "Command and Scripting Interpreter", "T1059.004", "Unix Shell", "19")
    assert (whole,) == known("T1059.004").techniques


def test_nothing_is_named_twice() -> None:
    found = known("mitre_persistence", "TA0003", "T1098", "t1098")
    assert (1, 1) == (len(found.tactics), len(found.techniques))


@pytest.mark.parametrize("tag", ["mitre_defense_evasion", "mitre_stealth", "TA0005"])
def test_defense_evasion_has_its_name_in_each_version(tag: str) -> None:
    assert Attack("18", (Tactic("TA0005", "Defense Evasion"),), ()) == attack((tag,), "18")
    assert Attack("19", (Tactic("TA0005", "Stealth"),), ()) == attack((tag,), "19")


def test_defense_impairment_was_a_part_of_defense_evasion() -> None:
    assert (("TA0112", "Defense Impairment"), ("TA0005", "Defense Evasion")) == tuple(
        (found.tactics[0].id, found.tactics[0].name)
        for found in (attack(("TA0112",), "19"), attack(("mitre_defense_impairment",), "18"))
        if found is not None
    )


def test_a_technique_that_a_version_does_not_have_keeps_its_own() -> None:
    assert ["18", "19"] == [item.version for item in known("T1562.001", "T1685").techniques]


def test_an_unknown_technique_has_no_name() -> None:
    assert (Technique("T9999", "", "", "", "19"),) == known("T9999").techniques


def test_every_technique_of_our_rules_has_a_name() -> None:
    texts = [path.read_text() for path in sorted((ROOT / "plugins/rules/packs").rglob("*.yaml"))]
    techniques = {tag for text in texts for tag in re.findall(r"\bT\d{4}(?:\.\d{3})?\b", text)}
    assert (True, set()) == (bool(techniques), techniques - set(technique_names()))


def test_every_sub_technique_in_the_table_has_its_technique() -> None:
    assert set() == {ident.partition(".")[0] for ident in technique_names()} - set(technique_names())
