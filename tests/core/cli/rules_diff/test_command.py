"""`mozu rules diff`."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.core.cli.command_line import Run
from tests.support.requirements import ROOT

Diff = Callable[..., str]
"""Old rules, new rules, options → output."""
RULE = """
- rule: {name}
  desc: d
  condition: {condition}
  output: {output}
  priority: {priority}
  tags: [{tags}]
  enabled: {enabled}
  exceptions:
    - name: known
      fields: [proc.name, fd.name]
      comps: [=, =]
      values: [{values}]
"""
OPENS = ROOT / "tests/data/acts/kinds.jsonl.gz"


def _rule(name: str = "Read", condition: str = "evt.type = openat and proc.name in (vi, nano)", **more: str) -> str:
    given = {"output": "o", "priority": "NOTICE", "tags": "a", "enabled": "true", "values": "", **more}
    return RULE.format(name=name, condition=condition, **given)


@pytest.fixture
def diff(run: Run, tmp_path: Path) -> Diff:
    """Compare two texts."""

    def diff(old: str, new: str, *options: object) -> str:
        (tmp_path / "old.yaml").write_text(old)
        (tmp_path / "new.yaml").write_text(new)
        code, out, err = run("rules", "diff", tmp_path / "old.yaml", tmp_path / "new.yaml", *options)
        assert (code, err) == (0, "")
        return out

    return diff


def test_files_without_a_difference_have_none(diff: Diff) -> None:
    assert diff(_rule(), f"# a comment\n{_rule()}") == "0 rules added, 0 removed, 0 changed, 1 the same\n"


def test_rules_are_added_and_removed(diff: Diff) -> None:
    out = diff(_rule() + _rule("Old"), _rule() + _rule("New", enabled="false"))

    assert out.startswith(
        "1 rules added, 1 removed, 0 changed, 1 the same\n\nAdded\n  New\n    Notice, syscall, not enabled; "
    )
    assert "\nRemoved\n  Old\n    Notice, syscall; " in out


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("evt.type = openat and proc.name in (vi, nano, ed)", "widened: every"),
        ("evt.type in (openat, open) and proc.name in (vi, nano)", "widened: every"),
        ("evt.type = openat and proc.name in (vi)", "narrowed: no"),
        ("evt.type = openat and proc.name in (vi, nano) and not fd.name startswith /etc", "narrowed: no"),
        ("(proc.name = nano or proc.name = vi) and evt.type = openat", "rewritten: "),
        ("evt.type = openat and proc.name in (vi, ed)", "changed; undecided if wider or narrower; --on"),
    ],
)
def test_conditions_are_compared_by_what_they_match(diff: Diff, condition: str, expected: str) -> None:
    assert f"\n    condition: {expected}" in diff(_rule(), _rule(condition=condition))


def test_a_change_deep_in_a_large_condition_is_proved(diff: Diff) -> None:
    parts = [f"(proc.name = a{at} and (fd.name = b{at} or user.uid = {at}))" for at in range(60)]
    old = f"evt.type = openat and ({' or '.join(parts)})"

    assert "condition: widened" in diff(_rule(condition=old), _rule(condition=old.replace("= b30", "in (b30, c)")))
    assert "undecided" in diff(_rule(condition=old), _rule(condition=old.replace("= b30", "= c")))


def test_every_other_aspect_is_compared(diff: Diff) -> None:
    out = diff(
        _rule(values="[vi, a]"),
        _rule(values="[vi, b], [vi, c]", priority="ERROR", tags="b", output="p %proc.name", enabled="false"),
    )

    assert "\n    exceptions: known has 2 new values and lacks 1 former ones\n" in out
    assert (
        "\n    priority: Notice → Error\n    enabled: yes → no\n    tags: + b, - a\n    output: o → p %proc.name\n"
        in out
    )


def test_a_change_of_event_types_changes_the_demand(diff: Diff) -> None:
    out = diff(_rule(), _rule(condition="evt.type in (openat, unlinkat) and proc.name in (vi, nano)"))

    assert "\n    event types: + unlinkat\n" in out
    assert "\nDemand of the enabled rules\n  event types of syscall: + unlinkat" in out


def test_the_kernel_filter_takes_more_for_a_wider_condition(diff: Diff) -> None:
    old, new = _rule(condition="evt.type = openat and fd.name startswith /etc/"), _rule(condition="evt.type = openat")

    assert "the filter of ebpf takes more for openat" in diff(old, new)
    assert "the filter of ebpf takes less for openat" in diff(new, old)


def test_recordings_decide_what_is_not_proved(diff: Diff) -> None:
    old, new = "evt.type in (openat, open) and fd.num > 3", "evt.type in (openat, open) and evt.rawres > 2"
    out = diff(_rule(condition=old), _rule(condition=new), "--on", OPENS)

    assert "(recordings: " in out
    assert "undecided" not in out


def test_markdown_shows_names_as_they_are(diff: Diff) -> None:
    out = diff("", _rule('"Read *all* <b>"'), "--markdown")

    assert "\n### Added\n\n* **Read \\*all\\* \\<b\\>**\n  * Notice, syscall; " in out


def test_rules_that_cannot_be_used_are_refused(run: Run, tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text(_rule(condition="evt.type = openat and nothing.such = 1"))

    code, _, err = run("rules", "diff", bad, bad)

    assert code != 0
    assert "nothing.such" in err


def test_a_path_that_does_not_exist_is_refused(run: Run, tmp_path: Path) -> None:
    good = tmp_path / "good.yaml"
    good.write_text(_rule())

    code, _, err = run("rules", "diff", good, tmp_path / "none.yaml")

    assert code != 0
    assert "none.yaml" in err
