"""The way of an alert to an act: real processes, and a responder that records its acts."""

import asyncio
import errno
import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Awaitable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from mozu.core.api import (
    Event,
    Incident,
    Process,
    ResponderSettings,
    ResponsePlan,
    ResponseTarget,
    Scope,
    SyscallEvent,
)
from mozu.core.common.boot_clock import boot_time
from mozu.core.isolation.isolated import Isolated
from mozu.core.metrics import Metrics
from mozu.core.model.alert import Alert, Severity
from mozu.core.model.event import Task
from mozu.core.respond.act_records import AUDIT_FILE
from mozu.core.respond.audit_log import ActStage, AuditLog
from mozu.core.respond.chosen import ActiveResponder
from mozu.core.respond.process_facts import process_facts
from mozu.core.respond.responses import Responses
from mozu.core.respond.settings import AllowSettings, RespondSettings
from mozu.core.testing import alert as made_alert


class Noting:
    """A responder that records its acts."""

    def __init__(self, *, fails: bool = False, lasts: bool = False, scope: Scope = Scope.PROCESS) -> None:
        self.done: list[tuple[str, list[int]]] = []
        self._fails, self._lasts, self._scope = fails, lasts, scope

    async def start(self) -> None:
        pass

    def plan(self, incident: Incident) -> ResponsePlan | None:
        return ResponsePlan(text="note it", scope=self._scope, lasts=self._lasts, detail={"a": "b"})

    async def act(self, incident: Incident, plan: ResponsePlan, targets: Sequence[ResponseTarget]) -> None:
        if self._fails:
            raise OSError(5, "it cannot")
        self.done.append(("act", [one.pid for one in targets]))

    async def undo(self, detail: Mapping[str, str], targets: Sequence[ResponseTarget]) -> None:
        assert detail == {"a": "b"}
        self.done.append(("undo", [one.pid for one in targets]))

    async def stop(self) -> None:
        pass


class Staged:
    """The responses of a run with one responder."""

    def __init__(
        self,
        folder: Path,
        component: Noting,
        *,
        respond: RespondSettings | None = None,
        container: Sequence[str] | None = (),
        **settings: Any,
    ) -> None:
        self.latest = lambda: 0
        self.component, self.notices, self._tasks = component, list[dict[str, object]](), list[Awaitable[None]]()
        metrics = Metrics()
        self.responses = Responses(
            folder, notify=self._notify, spawn=lambda work, name: self._tasks.append(work),
            names=lambda event: (container, ""), metrics=metrics,
        )  # fmt: skip
        chosen = ResponderSettings(**{"rules": ("rule",), "dry_run": False, **settings})
        one: Isolated[Any] = Isolated("responder", "noting", component, metrics)
        self.responses.use([ActiveResponder(one, chosen)], respond or RespondSettings())

    def _notify(self, rule: str, priority: Severity, text: str, **fields: str | int) -> None:
        self.notices.append({"rule": rule, "text": text, **fields})

    def reported(self) -> list[object]:
        return [one["rule"] for one in self.notices]

    async def respond(self, alert: Alert, event: Event | None) -> None:
        if self.responses.wants(alert):
            self.responses.respond(alert, event, self.latest)
        await self.drain()

    async def drain_at_once(self) -> None:
        tasks, self._tasks = self._tasks, []
        await asyncio.gather(*tasks)

    async def drain(self) -> None:
        while self._tasks:
            await self._tasks.pop()


@pytest.fixture
def process() -> Iterator[Process]:
    """Yield a process that is not a child of mozu: a shell is its parent."""
    command = [sys.executable, "-c", "import time; time.sleep(60)"]  # a victim that lives until it is killed
    with subprocess.Popen(["/bin/sh", "-c", '"$@" & echo $!; wait', "sh", *command], stdout=subprocess.PIPE) as shell:
        assert shell.stdout is not None
        pid = int(shell.stdout.readline())
        facts = process_facts(pid)
        assert facts is not None
        yield Process(Task(pid), pid, pid, boot_start=facts.start, name=facts.name, ruid=facts.uid)
        subprocess.run(["kill", "-9", str(pid)], check=False)


def event_of(process: Process, *, after: int = 10**9) -> SyscallEvent:
    """Return an event of the process, `after` ns after its start."""
    process.task.newest = process
    return SyscallEvent(
        "syscall", "openat", 1, 7, process.pid, process.pid, process=process, boot_time=process.boot_start + after
    )


def alert_of(ident: str = "a", rule: str = "rule", respond: tuple[str, ...] = ()) -> Alert:
    made = made_alert(rule)
    made.id, made.respond = ident, respond
    return made


def stages(folder: Path) -> list[str]:
    log = AuditLog(folder / AUDIT_FILE)
    found = [entry.stage.value for entry in log.new()]
    assert log.broken_at() is None
    log.close()
    return found


def test_an_act_is_written_down_before_and_after_and_reported_with_the_id_of_the_alert(
    tmp_path: Path, process: Process
) -> None:
    stage = Staged(tmp_path, Noting())
    asyncio.run(stage.respond(alert_of(), event_of(process)))
    assert stage.component.done == [("act", [process.pid])]
    assert stages(tmp_path) == ["planned", "done"]
    assert [(one["rule"], one["alert"], one["for_rule"]) for one in stage.notices] == [("Response taken", "a", "rule")]
    assert "(user, " in str(stage.notices[0]["text"])
    stage.responses.close()


def test_a_dry_run_goes_the_same_way_and_does_nothing(tmp_path: Path, process: Process) -> None:
    stage = Staged(tmp_path, Noting(), dry_run=True)
    asyncio.run(stage.respond(alert_of(), event_of(process)))
    assert (stage.component.done, stages(tmp_path)) == ([], ["would"])
    assert stage.notices[0]["text"] == "would note it"
    stage.responses.close()


def test_dry_run_is_the_default() -> None:
    assert ResponderSettings().dry_run


def test_the_same_act_is_not_done_twice_after_a_restart_either(tmp_path: Path, process: Process) -> None:
    for _ in range(2):
        stage = Staged(tmp_path, Noting())
        asyncio.run(stage.responses.resume())
        for _ in range(2):
            asyncio.run(stage.respond(alert_of(), event_of(process)))
        stage.responses.close()
    assert stage.component.done == []
    assert stages(tmp_path) == ["planned", "done"]


def test_while_the_switch_is_off_nothing_is_done_and_that_is_said(tmp_path: Path, process: Process) -> None:
    stage = Staged(tmp_path, Noting())
    stage.responses.switch_off()
    asyncio.run(stage.respond(alert_of(), event_of(process)))
    stage.responses.switch.on()
    stage.responses.tick()
    asyncio.run(stage.respond(alert_of("b"), event_of(process)))
    assert stage.reported() == ["Responses switched", "Response refused", "Responses switched", "Response taken"]
    assert [what for what, _ in stage.component.done] == ["act"]
    stage.responses.close()


def test_a_failure_is_reported_and_undone_where_it_would_last(tmp_path: Path, process: Process) -> None:
    for lasts in (False, True):
        stage = Staged(tmp_path / str(lasts), Noting(fails=True, lasts=lasts))
        asyncio.run(stage.respond(alert_of(), event_of(process)))
        assert stages(tmp_path / str(lasts)) == ["planned", "failed"]
        assert [what for what, _ in stage.component.done] == (["undo"] if lasts else [])
        assert stage.reported() == ["Response failed"]
        stage.responses.close()


def test_an_act_that_lasts_is_undone_when_its_time_is_over(tmp_path: Path, process: Process) -> None:
    async def main() -> None:
        await stage.respond(alert_of(), event_of(process))
        while "Response undone" not in stage.reported():
            stage.responses.tick()
            await stage.drain()

    stage = Staged(tmp_path, Noting(lasts=True), ttl=0.01)
    asyncio.run(main())
    assert stage.component.done == [("act", [process.pid]), ("undo", [process.pid])]
    assert stages(tmp_path) == ["planned", "done", "undone"]
    stage.responses.close()


@pytest.mark.parametrize("lasts", [True, False])
def test_what_a_run_left_unfinished_is_undone_by_the_next(tmp_path: Path, process: Process, lasts: bool) -> None:
    class Killed(Noting):
        async def act(self, incident: Incident, plan: ResponsePlan, targets: Sequence[ResponseTarget]) -> None:
            stage.responses.close()  # as kill -9 does: no more is written
            raise OSError

    stage = Staged(tmp_path, Killed(lasts=lasts))
    asyncio.run(stage.respond(alert_of(), event_of(process)))
    after = Staged(tmp_path, Noting(lasts=lasts))
    asyncio.run(after.responses.resume())
    assert after.component.done == [("undo", [process.pid])]
    assert after.reported() == ["Response broken off"]
    assert stages(tmp_path) == ["planned", "broken off"]
    after.responses.close()


def test_where_the_audit_log_cannot_be_written_nothing_is_done(
    tmp_path: Path, process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: AuditLog, entry: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    stage = Staged(tmp_path, Noting())
    monkeypatch.setattr(AuditLog, "append", full)
    asyncio.run(stage.respond(alert_of(), event_of(process)))
    assert stage.component.done == []
    assert stage.reported() == ["Audit log incomplete", "Response refused"]
    stage.responses.close()


def test_refusals_that_differ_each_time_do_not_fill_the_log(tmp_path: Path, process: Process) -> None:
    stage = Staged(tmp_path, Noting())
    for number in range(100):
        pid = (1 << 22) + number
        ended = Process(Task(1 << 22), pid, pid, boot_start=process.boot_start, name=f"n{number}")
        asyncio.run(stage.respond(alert_of(str(number)), event_of(ended)))
    assert stages(tmp_path) == ["refused"] * 30
    assert stage.reported() == ["Response refused"] * 30
    stage.responses.close()


def test_a_run_without_responders_leaves_the_lasting_acts_of_another_alone(tmp_path: Path, process: Process) -> None:
    acting = Staged(tmp_path, Noting(lasts=True), ttl=0.001)
    asyncio.run(acting.respond(alert_of(), event_of(process)))
    denying = Responses(
        tmp_path, notify=acting._notify, spawn=lambda work, name: pytest.fail(name), names=lambda event: ((), ""),
        metrics=Metrics(),
    )  # fmt: skip
    denying.records.open_for_denials()
    denying.tick()
    assert stages(tmp_path) == ["planned", "done"]
    acting.responses.close()


def test_budgets_end_in_one_report(tmp_path: Path, process: Process) -> None:
    stage = Staged(tmp_path, Noting(), per_minute=2)
    for number in range(6):
        asyncio.run(stage.respond(alert_of(str(number)), event_of(process)))
    assert len(stage.component.done) == 2
    assert stage.reported() == ["Response taken", "Response taken", "Response refused"]
    stage.responses.close()


def test_dry_and_acting_runs_list_the_same_acts(tmp_path: Path, process: Process) -> None:
    listed = []
    for dry in (True, False):
        stage = Staged(tmp_path / str(dry), Noting(), dry_run=dry, per_minute=3)
        for number in range(5):
            asyncio.run(stage.respond(alert_of(str(number)), event_of(process)))
        stage.responses.close()
        log = AuditLog(tmp_path / str(dry) / AUDIT_FILE)
        listed.append([one.act for one in log.new() if one.stage in (ActStage.WOULD, ActStage.DONE)])
        log.close()
    assert listed[0] == listed[1] == ["0/noting", "1/noting", "2/noting"]


def many_alerts(process: Process, count: int) -> Iterator[tuple[Alert, Event]]:
    """Yield alerts of some rules and users, at random; a few are about processes that have ended."""
    dice = random.Random(24)
    for number in range(count):
        pid = process.pid if dice.random() < 0.9 else 1 << 22
        uid, rule = 1000 + dice.randrange(6), dice.choice(("rule", "other", "wild", "wild", "wild"))
        about = Process(Task(pid), pid, pid, boot_start=process.boot_start, name=process.name, ruid=uid)
        yield alert_of(str(number), rule, ("noting",)), event_of(about)


@pytest.mark.parametrize("at_once", [False, True])
def test_of_many_alerts_dry_and_acting_runs_do_and_refuse_the_same(
    tmp_path: Path, process: Process, at_once: bool
) -> None:
    respond = RespondSettings(per_minute=40, per_account=8)
    listed = []
    for dry in (True, False):
        folder = tmp_path / str(dry)
        stage = Staged(folder, Noting(), dry_run=dry, per_minute=15, respond=respond, rules=())

        async def main(stage: Staged = stage) -> None:
            if at_once:
                for alert, event in many_alerts(process, 600):
                    stage.responses.respond(alert, event, stage.latest)
                await stage.drain_at_once()
            else:
                for alert, event in many_alerts(process, 600):
                    await stage.respond(alert, event)

        asyncio.run(main())
        stage.responses.close()
        log = AuditLog(folder / AUDIT_FILE)
        listed.append([one for one in log.new() if one.stage is not ActStage.PLANNED])
        log.close()
    dry_run, acting = listed
    assert [one.act for one in dry_run if one.stage is ActStage.WOULD] == [
        one.act for one in acting if one.stage is ActStage.DONE
    ]
    assert [(one.act, one.reason) for one in dry_run if one.stage is ActStage.REFUSED] == [
        (one.act, one.reason) for one in acting if one.stage is ActStage.REFUSED
    ]
    done = Counter(one.rule for one in acting if one.stage is ActStage.DONE)
    assert 15 <= done["wild"] <= 15 + 6  # one for each user without an act when the budget was spent
    assert sum(done.values()) <= 80


def test_an_allowed_user_is_refused(tmp_path: Path, process: Process) -> None:
    allow = RespondSettings(allow=AllowSettings(users=(process.ruid,)))
    stage = Staged(tmp_path, Noting(), respond=allow)
    asyncio.run(stage.respond(alert_of(), event_of(process)))
    assert (stage.component.done, stage.reported()) == ([], ["Response refused"])
    stage.responses.close()


def test_a_rule_names_its_responder_and_one_that_is_not_there_is_reported_once(
    tmp_path: Path, process: Process
) -> None:
    stage = Staged(tmp_path, Noting(), rules=())
    asyncio.run(stage.respond(alert_of("x", "other"), event_of(process)))
    assert stage.component.done == []
    asyncio.run(stage.respond(alert_of("y", "other", ("noting",)), event_of(process)))
    for ident in "zw":
        asyncio.run(stage.respond(alert_of(ident, "other", ("absent",)), event_of(process)))
    assert len(stage.component.done) == 1
    assert [one["text"] for one in stage.notices if "not configured" in str(one["text"])] == [
        "the rule 'other' wants the responder 'absent', which is not configured"
    ]
    stage.responses.close()


def test_an_alert_about_no_process_is_refused_where_a_process_is_wanted(tmp_path: Path) -> None:
    stage = Staged(tmp_path, Noting())
    asyncio.run(stage.respond(alert_of(), None))
    assert (stage.component.done, stage.reported()) == ([], ["Response refused"])
    stage.responses.close()


def test_a_young_process_is_acted_on_once_the_state_has_come_so_far_and_has_it_still(
    tmp_path: Path, process: Process
) -> None:
    stage = Staged(tmp_path, Noting())
    stage.latest = lambda: boot_time() + 10**9
    asyncio.run(stage.respond(alert_of(), event_of(process, after=1_000)))
    assert stage.component.done == [("act", [process.pid])]
    stage.responses.close()


def test_a_young_process_that_has_ended_as_the_state_knows_is_not_acted_on(tmp_path: Path, process: Process) -> None:
    stage = Staged(tmp_path, Noting())
    event = event_of(process, after=1_000)

    def latest() -> int:
        process.exited = True  # as set by the events until now
        return boot_time() + 10**9

    stage.latest = latest
    asyncio.run(stage.respond(alert_of(), event))
    assert (stage.component.done, stage.reported()) == ([], ["Response refused"])
    stage.responses.close()
