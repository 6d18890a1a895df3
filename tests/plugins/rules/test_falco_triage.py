"""Questions of triage."""

import re

from mozu.core.language.conditions import CompiledOutput
from mozu.core.language.rules import load
from mozu.plugins.rules.falco.settings import PACKS
from mozu.plugins.rules.falco.triage import families, questions
from tests.plugins.rules.making import context

FIELD = re.compile(r"{([a-z][\w.\[\]]*)}")


def test_every_family_has_two_to_four_questions_each_with_a_command() -> None:
    for family, found in families().items():
        assert 2 <= len(found) <= 4, family
        assert all(re.fullmatch(r"[A-Z][^`]*\? `[^`]+`", one) for one in found), family


def test_every_default_rule_names_a_family_and_its_alerts_have_the_fields_of_the_commands() -> None:
    rules = load([PACKS], context().fields).rules.rules
    lacking = {
        rule.name: fields
        for rule in rules
        if (fields := set(FIELD.findall(" ".join(questions(rule.guidance.triage)))).difference(_fields(rule.output)))
    }

    assert {} == lacking
    assert [] == [rule.name for rule in rules if not set(rule.guidance.triage) <= families().keys()]
    assert [] == [rule.name for rule in rules if not rule.guidance.triage]
    assert {family for rule in rules for family in rule.guidance.triage} == families().keys()


def test_a_question_of_the_rule_itself_stays_as_it_is_written() -> None:
    own = "Was it an update? `journalctl -u unattended-upgrades`"

    assert questions([own, "kernel"]) == (own, *families()["kernel"])


def _fields(output: CompiledOutput) -> set[str]:
    return {ref.key for ref in output.template.refs()}
