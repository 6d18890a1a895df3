"""The state machine on live events: ids, capabilities, sessions and parents of processes, compared with /proc."""

from collections.abc import Iterator
from typing import Any

import pytest

from mozu.core.model.event import Process
from mozu.core.state import StateMachine
from mozu.plugins.sources.ebpf.source import EbpfSource
from tests.support import requirements
from tests.support.acts import processes, states
from tests.support.build import compiled
from tests.support.live import Act, Live, context, demand
from tests.support.split import needs_live

pytestmark = pytest.mark.ebpf


class LiveState:
    """Live source, and for each act a state machine that applies its events in order."""

    def __init__(self, live: Live) -> None:
        self.live = live

    def act(self, function: Any, *arguments: Any) -> Act:
        """Run the act and apply its events to a new state machine."""
        machine = StateMachine()
        machine.seed()
        act = self.live.act(function, *arguments)
        machine.apply(self.live.seen())
        return act

    def changed(self, *steps: str) -> tuple[Process, dict[str, Any]]:
        """Return the process after these steps, and its data from /proc at that time."""
        act = self.act(states.changed, *steps)
        (mark,) = (event for event in act.of("mkdir") if event.args[1] == states.MARK)
        assert mark.process is not None
        return mark.process, act.value


@pytest.fixture(scope="module")
@needs_live
def live_state() -> Iterator[LiveState]:
    requirements.ebpf()
    state_dependencies = ("tree", "cwd", "ids", "caps", "session", "threads")
    with Live(EbpfSource(64 << 20, context()), demand("mkdir", state_dependencies=state_dependencies)) as live:
        yield LiveState(live)


@pytest.mark.parametrize(
    "steps",
    [
        ("become_a_user",),
        ("become_a_user_who_can_come_back",),
        ("become_a_user_who_can_come_back", "come_back"),
        ("keep_capabilities", "become_a_user"),
        ("become_a_user", "try_what_is_forbidden"),
        ("use_files_as_a_user",),
        ("become_a_group",),
        ("become_a_group", "become_a_user"),
    ],
    ids=" ".join,
)
def test_identity_and_capabilities(live_state: LiveState, steps: tuple[str, ...]) -> None:
    process, truth = live_state.changed(*steps)

    assert (
        [process.ruid, process.uid, process.suid],
        [process.rgid, process.gid, process.sgid],
        [process.cap_inheritable, process.cap_permitted, process.cap_effective],
    ) == (truth["Uid"][:3], truth["Gid"][:3], [truth["CapInh"], truth["CapPrm"], truth["CapEff"]])


@pytest.mark.parametrize("step", ["lead_a_session", "lead_a_group"])
def test_sessions_and_groups(live_state: LiveState, step: str) -> None:
    process, truth = live_state.changed(step)

    assert (process.sid, process.vpgid, process.vpid) == (truth["NSsid"], truth["NSpgid"], truth["NSpid"])
    assert process.vpgid == process.vpid


def test_threads_are_counted_as_they_come_and_go(live_state: LiveState) -> None:
    process, truth = live_state.changed("begin_threads")

    assert (process.others + 1, process.ptid) == (truth["Threads"], truth["PPid"])


def test_an_exec_by_a_thread_leaves_one_thread_under_the_number_of_the_process(live_state: LiveState) -> None:
    act = live_state.act(processes.run_by_thread, str(compiled("waiting", "-static")))
    event = next(e for e in act.of("execve") if e.pid == act.value["pid"] and e.args[0] == 0)

    assert event.process is not None
    assert (event.process.pid, event.process.tid, event.process.others, event.process.exe) == (
        act.value["pid"], act.value["pid"], 0, "by-thread",
    )  # fmt: skip


def test_a_process_in_a_pid_namespace_has_both_numbers(live_state: LiveState) -> None:
    act = live_state.act(processes.run_in_pid_namespace, str(compiled("waiting", "-static")))
    event = next(e for e in act.of("execve") if e.pid == act.value["pid"])

    assert event.process is not None
    assert (event.process.pid, event.process.vpid, event.process.vtid) == (act.value["pid"], 1, 1)
    assert event.process.pidns_start == event.process.start


def test_entering_a_user_namespace_gives_all_capabilities(live_state: LiveState) -> None:
    """Ids in /proc are those of the namespace then."""
    process, truth = live_state.changed("enter_a_user_namespace")

    assert (process.cap_inheritable, process.cap_permitted, process.cap_effective) == (
        truth["CapInh"], truth["CapPrm"], truth["CapEff"],
    )  # fmt: skip


def test_who_takes_over_orphans(live_state: LiveState) -> None:
    act = live_state.act(states.orphaned)
    (mark,) = (event for event in act.of("mkdir") if event.args[1] == states.MARK)

    assert mark.process is not None
    assert mark.process.ptid == act.value["reaper"] == act.pid
    assert mark.pid != act.value["pid"]
