"""The guidance under `mozu` in a rule, for readers of its alerts."""

from mozu.core.language.rules import describe_rules
from tests.core.language.rules.small import loaded, registry

RULE = """\
- rule: r
  desc: d
  output: o
  priority: INFO
  condition: evt.type = open
"""
GUIDED = f"""{RULE}  mozu:
    id: ACME-17
    why: It matters.
    next: Look at the file.
    false_positives: [backups]
    references: ["https://example.org/x"]
    maturity: stable
"""


def _problems(text: str) -> list[str]:
    return [problem.message for problem in loaded(text).report.problems()]


def test_what_is_said_is_described() -> None:
    (rule,) = describe_rules(loaded(GUIDED), registry())["rules"]
    said = ("id", "why", "next", "false_positives", "references", "maturity")
    assert ["ACME-17", "It matters.", "Look at the file.", ("backups",), ("https://example.org/x",), "stable"] == [
        rule["info"][key] for key in said
    ]
    assert [] == _problems(GUIDED)


def test_a_rule_that_says_nothing_is_described_without_it() -> None:
    (rule,) = describe_rules(loaded(RULE), registry())["rules"]
    assert "why" not in rule["info"]


def test_it_is_replaced_by_an_override() -> None:
    text = f"{GUIDED}- rule: r\n  mozu: {{why: Because.}}\n  override: {{mozu: replace}}\n"
    (rule,) = describe_rules(loaded(text), registry())["rules"]
    assert "Because." == rule["info"]["why"]
    assert "next" not in rule["info"]


def test_mistakes_in_it_are_reported() -> None:
    assert ["`mozu` must be a mapping"] == _problems(f"{RULE}  mozu: stable\n")
    assert ["there is no maturity `stabel`"] == _problems(f"{RULE}  mozu: {{maturity: stabel}}\n")
    assert ["`a b` is no id of a rule"] == _problems(f"{RULE}  mozu: {{id: a b}}\n")
    assert ["the key `wy` has no meaning here and is ignored"] == _problems(f"{RULE}  mozu: {{wy: x}}\n")


def test_an_override_adds_keys_to_it() -> None:
    more = "{shadow: true, why: Because., references: [https://example.org/y]}"
    text = f"{GUIDED}- rule: r\n  mozu: {more}\n  override: {{mozu: append}}\n"
    (rule,) = loaded(text).rules.rules
    found = rule.guidance
    assert ("ACME-17", "Because.", "Look at the file.", True) == (found.id, found.why, found.next, found.shadow)
    assert ("https://example.org/x", "https://example.org/y") == found.references


def test_a_later_override_ends_the_shadow_mode_of_an_earlier_one() -> None:
    parts = [f"- rule: r\n  mozu: {{shadow: {value}}}\n  override: {{mozu: append}}\n" for value in ("true", "false")]
    (rule,) = loaded(GUIDED + "".join(parts)).rules.rules
    assert rule.guidance.shadow is False
    assert ["`shadow` must be true or false, and is `perhaps`"] == _problems(f"{RULE}  mozu: {{shadow: perhaps}}\n")
