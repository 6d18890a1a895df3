"""The keys around a place in a rule file; `|` stands for the place."""

import pytest

from mozu.core.language.workspace.spot import Spot, spot

RULE = """- rule: A rule
  desc: of a test
  condition: >
    evt.type = open
  priority: ERROR
"""


def at(text: str) -> Spot:
    return spot(text.replace("|", "", 1), text.index("|"))


@pytest.mark.parametrize(
    ("text", "kind", "path", "value"),
    [
        ("- list: a\n  items: [x, |", "list", ("items",), "[x, "),
        ("- list: a\n  items:\n  - x|", "list", ("items",), "x"),
        ("- macro: a\n  condition: evt.|", "macro", ("condition",), "evt."),
        ("- rule: r\n  condition:\n    evt.|\n", "rule", ("condition",), "evt."),
        ("- rule: |", "rule", ("rule",), ""),
        ("- rule: r\n  override:\n    condition: app|", "rule", ("override", "condition"), "app"),
        ("- rule: r\n  exceptions:\n  - name: e\n    fields: [|", "rule", ("exceptions", "fields"), "["),
        ("- rule: r\n  exceptions:\n  - name: e\n    values:\n    - [a, |", "rule", ("exceptions", "values"), "[a, "),
        ("- rule: r\n  mozu:\n    maturity: |", "rule", ("mozu", "maturity"), ""),
        ("- rule: r\n  tags:\n    - a|", "rule", ("tags",), "- a"),
    ],
)
def test_a_value(text: str, kind: str, path: tuple[str, ...], value: str) -> None:
    found = at(text)

    assert (kind, path, False, value.strip()) == (found.kind, found.path, found.is_key, found.text.strip())


def test_the_value_of_a_key_goes_on_in_deeper_lines() -> None:
    found = at("- rule: r\n  condition: >\n    evt.type = open\n    and |\n  desc: x\n")

    assert ("condition",) == found.path
    assert "evt.type = open" in found.text


@pytest.mark.parametrize(
    ("text", "kind", "path", "keys"),
    [
        (RULE + "  |", "rule", (), {"rule", "desc", "condition", "priority"}),
        (RULE + "  out|", "rule", (), {"rule", "desc", "condition", "priority"}),
        (RULE.replace("  priority", "  out|\n  priority"), "rule", (), {"rule", "desc", "condition", "priority"}),
        (RULE + "  override:\n    |", "rule", ("override",), set()),
        ("- rule: r\n  exceptions:\n  - name: e\n    |\n    comps: [=]\n", "rule", ("exceptions",), {"name", "comps"}),
        (RULE + "|", "", (), set()),
        (RULE + "- |", "", (), set()),
        (RULE + "- ma|", "", (), set()),
        ("|", "", (), set()),
    ],
)
def test_a_key(text: str, kind: str, path: tuple[str, ...], keys: set[str]) -> None:
    found = at(text)

    assert (kind, path, True, keys) == (found.kind, found.path, found.is_key, set(found.keys))


def test_the_item_is_known() -> None:
    found = at("- rule: Earlier\n  source: json\n- rule: 'Mine'\n  condition: |\n  source: k8s_audit\n- rule: Later\n")

    assert ("Mine", "k8s_audit") == (found.name, found.source)
