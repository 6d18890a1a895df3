"""The lasting acts, derived from the entries of the audit log."""

import pytest

from mozu.core.respond.audit_log import ActStage, AuditEntry
from mozu.core.respond.standing import StandingActs


def entry(act: str, stage: ActStage, *, lasts: bool = True, until: int = 0) -> AuditEntry:
    return AuditEntry(time=1, stage=stage, act=act, lasts=lasts, until=until)


def test_an_act_lasts_from_its_end_until_it_is_undone() -> None:
    acts = StandingActs()
    acts.add([entry("a/stop", ActStage.PLANNED)])
    assert (list(acts.acts), list(acts.planned)) == ([], ["a/stop"])
    acts.add([entry("a/stop", ActStage.DONE)])
    assert (list(acts.acts), list(acts.planned)) == (["a/stop"], [])
    acts.add([entry("a/stop", ActStage.UNDONE)])
    assert (list(acts.acts), acts.known) == ([], {"a/stop"})


def test_a_kill_does_not_last() -> None:
    acts = StandingActs()
    acts.add([entry("a/kill", ActStage.DONE, lasts=False)])
    assert (list(acts.acts), acts.known) == ([], {"a/kill"})


def test_what_was_only_planned_is_left_over_by_a_run_that_ended() -> None:
    acts = StandingActs()
    acts.add([entry("a/stop", ActStage.PLANNED), entry("b/stop", ActStage.PLANNED), entry("b/stop", ActStage.FAILED)])
    assert list(acts.planned) == ["a/stop"]


def test_a_dry_run_and_a_refusal_are_not_known_as_done() -> None:
    acts = StandingActs()
    acts.add([entry("a/stop", ActStage.WOULD), entry("b/stop", ActStage.REFUSED)])
    assert (acts.known, list(acts.acts)) == (set(), [])


def test_what_is_due() -> None:
    acts = StandingActs()
    acts.add([entry(f"{name}/stop", ActStage.DONE, until=until) for name, until in (("a", 5), ("b", 9), ("c", 0))])
    assert [one.act for one in acts.due(5, "another boot", 0)] == ["a/stop"]


@pytest.mark.parametrize(("boot", "boot_now", "is_due"), [("b", 6, False), ("b", 7, True), ("a", 0, True)])
def test_a_step_of_the_wall_clock_ends_no_act_of_this_boot(boot: str, boot_now: int, is_due: bool) -> None:
    acts = StandingActs()
    done = AuditEntry(time=1, stage=ActStage.DONE, act="a/stop", lasts=True, until=10, until_boot=7, boot="b")
    acts.add([done])
    assert acts.due(10**18, boot, boot_now) == [done] * is_due
