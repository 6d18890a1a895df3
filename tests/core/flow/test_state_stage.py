"""The stage `state`: an event that the state machine cannot apply costs itself only, with or without remembered
verdicts.
"""

from collections.abc import Sequence

from mozu.core.model.event import Event, SyscallEvent
from mozu.core.state import StateMachine
from mozu.core.state.machine import Remembers
from tests.core.flow.test_verdict_memory import FAMILY, TIMES, fields, opened
from tests.support.judged_twice import SIZE, ByRules, Judged


class Failing(StateMachine):
    """A state machine that fails on events of type `bad`, after applying those before."""

    def apply(self, batch: Sequence[Event], memory: Remembers | None = None) -> list[SyscallEvent]:
        for place, event in enumerate(batch):
            if event.type == "bad":
                super().apply(batch[:place], memory)
                raise ValueError("bad")
        return super().apply(batch, memory)


def test_a_batch_with_a_bad_event_is_taken_in_event_by_event() -> None:
    one = Judged(
        [ByRules(("evt.type = openat and fd.name = /etc/shadow",), fields())], SIZE, Failing(procfs="/nowhere")
    )
    one.process([])
    one.process(FAMILY)
    for _ in range(TIMES):
        one.process([opened()])
    received, _, internal, evaluated, _ = one.counts()
    hits = one.pipeline.verdicts.hits.value
    bad = SyscallEvent("syscall", "bad", 0, tid=20, pid=20)

    one.process([opened(), bad, opened(path="/etc/shadow")])

    assert [received + 3, 1, internal, evaluated + 2, 0] == one.counts()
    assert hits + 1 == one.pipeline.verdicts.hits.value
    assert 1 == len(one.alerts())
