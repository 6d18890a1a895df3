"""Process predicates: calls of processes that no rule can match are filtered, and never one call too long."""

import copy
from collections import Counter
from pathlib import Path

import pytest

from mozu.core.state import StateMachine
from tests.support.acts import opens
from tests.support.filter_comparison import FilterComparison, Judged, alerts
from tests.support.live import Act

pytestmark = pytest.mark.ebpf

HIERARCHIES = sorted({path.name for path in Path("/sys/fs/cgroup").glob("*") if path.is_mount()} - {"cpuset"})
"""Mounted hierarchies of cgroup v1, and that of v2 beside them. A new cgroup of cpuset has no CPU to run on."""


def opened(act: Act, path: str) -> dict[str, int]:
    """Return program → number of its opens of this path."""
    shown = StateMachine().apply([copy.copy(event) for event in act.events])
    opens_of_it = [one for one in shown if one.type == "openat" and one.args[2] == path]
    return dict(Counter(one.process.name for one in opens_of_it if one.process is not None))


def settled(judged: FilterComparison) -> None:
    """Wait until every running process has its verdict."""
    source = judged.filtered.source
    assert isinstance(source, Judged)
    judged.filtered.run(source.published())


@pytest.mark.parametrize(("compared", "most"), [("proc.name = wanted", 0), ("proc.exe endswith /wanted", 600)])
def test_calls_of_a_process_that_no_rule_matches_are_filtered_until_its_next_exec(
    judged: FilterComparison, likely: Path, compared: str, most: int
) -> None:
    """Filtering is never a call too long: a process runs programs by turns, and every open of the wanted one passes.
    Predicates that names decide are known from the start, all others after a while.
    """
    path, names = str(likely / "x" / "a.b"), ["other", "wanted"] * 6
    rule = f"evt.type = openat and {compared}"
    judged.want(rule)
    settled(judged)

    filtered, whole = judged.act(opens.by_turns, str(likely), path, 200, names)

    assert {"other": 1200, "wanted": 1200} == opened(whole, path)
    assert 1200 == opened(filtered, path)["wanted"]
    assert opened(filtered, path).get("other", 0) <= most
    assert alerts([rule], filtered) == alerts([rule], whole)


def test_verdicts_on_programs_that_share_a_cpu_are_not_mixed_up(judged: FilterComparison, likely: Path) -> None:
    """The kernel's memory of the last caller on a processor does not apply to the next caller."""
    rule = "evt.type = openat and proc.exe endswith /wanted"
    judged.want(rule)
    settled(judged)
    path = str(likely / "x" / "a.b")

    filtered, whole = judged.act(opens.side_by_side, str(likely), path, 600, ["other", "wanted", "another"])

    assert {"other": 600, "wanted": 600, "another": 600} == opened(whole, path)
    assert 600 == opened(filtered, path)["wanted"]
    assert opened(filtered, path).get("other", 0) + opened(filtered, path).get("another", 0) < 600
    assert alerts([rule], filtered) == alerts([rule], whole)


def test_children_are_known_by_their_parents_until_they_exec(judged: FilterComparison, likely: Path) -> None:
    """Predicate bits of a process hold for its children until they exec."""
    rule = "evt.type = openat and proc.name = cat and proc.exe endswith cat"
    judged.want(rule)
    settled(judged)
    path = str(likely / "x" / "a.b")

    filtered, whole = judged.act(opens.then_a_child, path, 100)

    assert 200 < sum(opened(whole, path).values())
    assert len(filtered.of("openat")) < 150
    assert alerts([rule], filtered) == alerts([rule], whole) != []


@pytest.mark.parametrize("compared", ["proc.exe endswith /unmatched", "container.id != host"])
def test_processes_that_ran_before_have_verdicts(judged: FilterComparison, likely: Path, compared: str) -> None:
    """The process that acts is older than the rule, and so is known before its first call; nor is it in a container."""
    rule = f"evt.type = openat and {compared}"
    judged.want(rule)
    path = str(likely / "x" / "a.b")
    settled(judged)

    filtered, whole = judged.act(opens.many, [("openat", None, path.encode(), 0)] * 100)

    assert ({}, 100) == (opened(filtered, path), sum(opened(whole, path).values()))
    assert [] == alerts([rule], whole)


def test_what_a_container_opens_passes(judged: FilterComparison, likely: Path) -> None:
    """The process was the host's until it executed a program in its cgroup."""
    rule = "evt.type = openat and container.id != host"
    judged.want(rule, f"evt.type = openat and fd.name = {likely}/nothing and container.id = host")
    path = str(likely / "x" / "a.b")
    settled(judged)

    filtered, whole = judged.act(opens.in_container, str(likely), path, 100)

    assert 100 == sum(opened(filtered, path).values())
    assert alerts([rule], filtered) == alerts([rule], whole)
    assert 100 <= len(alerts([rule], whole))


@pytest.mark.parametrize(
    ("rule", "inside"), [("container.id != host", True), ("container.id = host", False)], ids=["container", "host"]
)
def test_a_process_that_is_moved_to_another_cgroup_is_in_another_container_at_once(
    judged: FilterComparison, likely: Path, rule: str, inside: bool
) -> None:
    """The process executes nothing: before the move, in the container, and after it has left."""
    path = str(likely / "x" / "a.b")
    rule = f"evt.type = openat and fd.filename = a.b and {rule}"
    judged.want(rule, "evt.type = openat and fd.filename = nothing and proc.exe startswith /")
    settled(judged)

    filtered, whole = judged.act(opens.moved_between_cgroups, path, 100)

    assert 300 == sum(opened(whole, path).values())
    assert (100 if inside else 200) == len(alerts([rule], whole))
    assert alerts([rule], filtered) == alerts([rule], whole)


@pytest.mark.parametrize("hierarchy", HIERARCHIES)
def test_a_container_in_any_hierarchy_counts(judged: FilterComparison, likely: Path, hierarchy: str) -> None:
    """Hierarchies of cgroup v1 count, named ones too: the others have the process at their root."""
    path = str(likely / "x" / "a.b")
    rule = f"evt.type = openat and fd.name = {path} and container.id != host"
    judged.want(rule)
    settled(judged)

    filtered, whole = judged.act(opens.moved_between_cgroups, path, 10, (hierarchy,))

    assert 10 == len(alerts([rule], whole))
    assert alerts([rule], filtered) == alerts([rule], whole)


def test_calls_outside_the_container_are_filtered_again_after_a_move(judged: FilterComparison, likely: Path) -> None:
    path = str(likely / "x" / "a.b")
    judged.want("evt.type = openat and container.id != host")
    settled(judged)

    filtered, whole = judged.act(opens.moved_between_cgroups, path, 100)

    assert 300 == sum(opened(whole, path).values())
    assert 100 <= sum(opened(filtered, path).values()) <= 220


def test_a_child_that_is_made_in_another_cgroup_has_no_verdict_of_its_parent(
    judged: FilterComparison, likely: Path
) -> None:
    path = str(likely / "x" / "a.b")
    rule = "evt.type = openat and container.id != host"
    judged.want(rule)
    settled(judged)

    filtered, whole = judged.act(opens.child_in_another_cgroup, path, 100)

    assert 100 == len(alerts([rule + f" and fd.name = {path}"], whole))
    assert alerts([rule], filtered) == alerts([rule], whole)


def test_a_loss_of_forks_drops_every_verdict(judged: FilterComparison, likely: Path) -> None:
    judged.want("evt.type = openat and proc.exe endswith /wanted")
    source = judged.filtered.source
    assert isinstance(source, Judged)
    judged.filtered.run(source.distrust(3600))

    filtered, whole = judged.act(opens.by_turns, str(likely), str(likely / "x" / "a.b"), 100, ["other"])

    judged.filtered.run(source.distrust(0))
    assert opened(filtered, str(likely / "x" / "a.b")) == opened(whole, str(likely / "x" / "a.b")) == {"other": 100}
