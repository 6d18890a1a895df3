"""What lasts follows from the entries of the audit log."""

from mozu.core.respond.audit_log import AuditEntry, Stage
from mozu.core.respond.standing import StandingActs


def entry(act: str, stage: Stage, *, lasts: bool = True, until: int = 0) -> AuditEntry:
    return AuditEntry(time=1, stage=stage, act=act, lasts=lasts, until=until)


def test_an_act_lasts_from_its_end_until_it_is_undone() -> None:
    acts = StandingActs()
    acts.add([entry("a/stop", Stage.PLANNED)])
    assert (list(acts.acts), list(acts.planned)) == ([], ["a/stop"])
    acts.add([entry("a/stop", Stage.DONE)])
    assert (list(acts.acts), list(acts.planned)) == (["a/stop"], [])
    acts.add([entry("a/stop", Stage.UNDONE)])
    assert (list(acts.acts), acts.known) == ([], {"a/stop"})


def test_a_kill_does_not_last() -> None:
    acts = StandingActs()
    acts.add([entry("a/kill", Stage.DONE, lasts=False)])
    assert (list(acts.acts), acts.known) == ([], {"a/kill"})


def test_what_was_only_planned_is_left_over_by_a_run_that_ended() -> None:
    acts = StandingActs()
    acts.add([entry("a/stop", Stage.PLANNED), entry("b/stop", Stage.PLANNED), entry("b/stop", Stage.FAILED)])
    assert list(acts.planned) == ["a/stop"]


def test_a_dry_run_and_a_refusal_are_not_known_as_done() -> None:
    acts = StandingActs()
    acts.add([entry("a/stop", Stage.WOULD), entry("b/stop", Stage.REFUSED)])
    assert (acts.known, list(acts.acts)) == (set(), [])


def test_what_is_due() -> None:
    acts = StandingActs()
    acts.add([entry("a/stop", Stage.DONE, until=5), entry("b/stop", Stage.DONE, until=9), entry("c/stop", Stage.DONE)])
    assert [one.act for one in acts.due(5)] == ["a/stop"]
