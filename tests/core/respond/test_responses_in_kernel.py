"""Responses to events on which the kernel has acted: the kernel's act is reported, and the rest is done here."""

import asyncio
import os
import time
from collections.abc import Awaitable
from pathlib import Path

import msgspec
import pytest

from mozu.core.api import (
    KernelAction,
    KernelDenial,
    KernelKill,
    KernelKills,
    Process,
    ResponderSettings,
    SyscallEvent,
    UnattendedActs,
)
from mozu.core.isolation.isolated import Isolated
from mozu.core.metrics import Metrics
from mozu.core.model.alert import Alert, Severity
from mozu.core.model.event import Task
from mozu.core.respond.act_records import AUDIT_FILE
from mozu.core.respond.audit_log import AuditEntry, AuditLog
from mozu.core.respond.chosen import ActiveResponder
from mozu.core.respond.responses import Responses
from mozu.core.respond.settings import RespondSettings
from mozu.core.testing import alert as made_alert
from tests.core.respond.test_responses import Noting

PID = 1 << 22
"""A pid above the kernel's maximum: acts on it fail here, and are not mistaken for the kernel's."""


class Stage:
    """The responses of a run with a responder of which the kernel does a part."""

    def __init__(
        self, folder: Path, *, dry_run: bool = False, rules: tuple[str, ...] = ("rule",), action: KernelAction = "kill"
    ) -> None:
        self.folder, self.component = folder, Noting()
        self.notices, self.switched, self._tasks = list[str](), list[KernelKills](), list[Awaitable[None]]()
        metrics = Metrics()
        self.responses = Responses(
            folder, notify=self._notify, spawn=lambda work, name: self._tasks.append(work),
            names=lambda event: ((), ""), metrics=metrics,
        )  # fmt: skip
        self.kills = KernelKills(tuple(KernelKill(rule, "kill", {}, dry_run, action=action) for rule in rules))
        settings = ResponderSettings(rules=("rule", "other"), dry_run=dry_run)
        one: Isolated[Noting] = Isolated("responder", "kill", self.component, metrics)
        self.responses.use([ActiveResponder(one, settings)], RespondSettings(), self.kills)
        self.responses.on_switch = lambda: self.switched.append(self.responses.kernel_kills)

    def _notify(self, rule: str, priority: Severity, text: str, **fields: str | int) -> None:
        self.notices.append(f"{rule}: {text}")

    def respond(self, event: SyscallEvent, rule: str = "rule") -> list[AuditEntry]:
        """Respond to the event; return the entries of the audit log afterwards."""
        self.responses.respond(_alert(rule), event, lambda: 0)
        return self.finished([event])

    def finished(self, events: list[SyscallEvent]) -> list[AuditEntry]:
        async def main() -> None:
            while self._tasks:
                await self._tasks.pop()

        self.responses.report_unreported(events)
        asyncio.run(main())
        log = AuditLog(self.folder / AUDIT_FILE)
        found = log.new()
        log.close()
        self.responses.close()
        return found


def _alert(rule: str) -> Alert:
    made = made_alert(rule)
    made.id = rule
    return made


def event(act: str) -> SyscallEvent:
    start = time.time_ns() - 10**10
    process = Process(Task(PID), PID, PID, start=start, name="cat", ruid=os.getuid())
    process.task.newest = process
    return SyscallEvent("syscall", "openat", start + 10**9, 7, PID, PID, process=process, kernel_act=act)


def test_what_the_kernel_has_done_is_reported_and_not_done_again(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    (entry,) = stage.respond(event("kill"))

    assert ("done", f"kill process {PID} (cat) (kernel)", "rule/kill") == (entry.stage, entry.text, entry.act)
    assert [f"Response taken: done: kill process {PID} (cat) (kernel)"] == stage.notices
    assert [] == stage.component.done


def test_a_dry_run_in_the_kernel_says_what_it_would_have_done(tmp_path: Path) -> None:
    stage = Stage(tmp_path, dry_run=True)
    (entry,) = stage.respond(event("would"))

    assert "would" == entry.stage
    assert [f"Response would be taken: would kill process {PID} (cat) (kernel)"] == stage.notices


@pytest.mark.parametrize("act", ["", "would"])
def test_what_the_kernel_left_is_for_mozu(tmp_path: Path, act: str) -> None:
    """Check `would` too, of another rule, whose responder makes a dry run; this one acts."""
    (entry,) = Stage(tmp_path).respond(event(act))

    assert ("refused", f"process {PID} (cat) has ended") == (entry.stage, entry.reason)


def test_an_alert_of_a_rule_that_the_kernel_does_not_decide_goes_the_ordinary_way(tmp_path: Path) -> None:
    stage = Stage(tmp_path, rules=())
    (entry,) = stage.respond(event("kill"))

    assert "refused" == entry.stage


def test_an_act_of_which_no_alert_tells_is_reported_all_the_same(tmp_path: Path) -> None:
    """Check events about which an earlier rule has raised the alert."""
    stage = Stage(tmp_path)
    (entry,) = stage.finished([event("kill"), event("would"), event("")])

    assert ("done", f"kill process {PID} (cat) (kernel)") == (entry.stage, entry.text)
    assert "another rule raised the alert about it" == entry.reason


def test_acts_in_the_kernel_spend_the_budgets_of_mozu(tmp_path: Path) -> None:
    stage = Stage(tmp_path, rules=("rule",))
    for number in range(12):
        made = made_alert("rule")
        made.id = str(number)
        stage.responses.respond(made, event("kill"), lambda: 0)
    made = made_alert("rule")
    made.id = "left"
    stage.responses.respond(made, event(""), lambda: 0)
    *done, entry = stage.finished([])

    assert ["done"] * 12 == [one.stage for one in done]
    assert "refused" == entry.stage


def denial(*, acted: bool) -> KernelDenial:
    return KernelDenial(
        rule="rule", responder="kill", what="open of /marked", pid=7, name="cat", uid=1000, start=5, time=9, acted=acted
    )


@pytest.mark.parametrize(("acted", "stage", "title"), [(True, "done", "taken"), (False, "would", "would be taken")])
def test_a_call_that_was_denied_is_reported_and_written_down(
    tmp_path: Path, acted: bool, stage: str, title: str
) -> None:
    found = Stage(tmp_path)
    found.responses.report_denials([denial(acted=acted)])
    (entry,) = found.finished([])

    text = "deny open of /marked to process 7 (cat) (kernel)"
    assert (stage, text, "rule", (7,), (5,)) == (entry.stage, entry.text, entry.rule, entry.pids, entry.starts)
    verb = "done:" if acted else "would"
    assert [f"Response {title}: {verb} {text}"] == found.notices


def test_what_was_done_while_mozu_did_not_run_is_reported_and_written_down(tmp_path: Path) -> None:
    found = Stage(tmp_path)
    found.responses.report_unattended([UnattendedActs("rule", "kill", 3)])
    (entry,) = found.finished([])

    text = "acted 3 times while mozu did not run (kernel)"
    assert ("done", text, "rule") == (entry.stage, entry.text, entry.rule)
    assert [f"Response taken: done: {text}: events of that time are lost"] == found.notices


@pytest.mark.parametrize(("dry_run", "stages"), [(False, ["refused"]), (True, [])])
def test_a_call_that_a_deny_rule_let_through_is_no_longer_denied(
    tmp_path: Path, dry_run: bool, stages: list[str]
) -> None:
    """Check that a dry run, which has reported the call before, adds no entry."""
    found = Stage(tmp_path, dry_run=dry_run, action="deny")
    entries = found.respond(event(""))

    assert stages == [one.stage for one in entries]
    assert not found.component.done


def test_sources_are_reported_when_responses_are_switched_off_and_on(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    before = stage.responses.kernel_kills
    stage.responses.switch_off()
    stage.responses.switch.on()
    stage.responses.tick()
    stage.responses.close()

    assert stage.kills == before
    assert [msgspec.structs.replace(stage.kills, off=True), stage.kills] == stage.switched
