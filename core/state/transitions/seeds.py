"""Internal events: what there was before, what the machine was asked or says, and where another recording starts."""

from typing import Final

from mozu.core.model.event import SyscallEvent
from mozu.core.state import snapshot
from mozu.core.state.facts import Entered, KnownFile, KnownProcess, Looked, Seeded
from mozu.core.state.repair import repair
from mozu.core.state.seeding import seed, seed_file, settle
from mozu.core.state.state import State
from mozu.core.state.tables import Tables

_ENTERED_LIMIT: Final = 1 << 16
_ANSWERS_LIMIT: Final = 1 << 16


def _process(state: State, event: SyscallEvent) -> None:
    facts: KnownProcess = event.facts
    if event.tid >= 0 and not state.is_full:
        seed(state, event.tid, event.pid, facts, state.number + 1)


def _file(state: State, event: SyscallEvent) -> None:
    facts: KnownFile = event.facts
    node = state.node(event.tid)
    if node is not None and facts.fd >= 0:
        seed_file(node, facts, recorded=not state.live)


def _seeded(state: State, event: SyscallEvent) -> None:
    facts: Seeded | None = event.facts
    if facts is not None:
        state.addresses, state.netmasks = facts.addresses, facts.netmasks
        state.boot_time = facts.boot_time or state.boot_time
    settle(state)


def _enter(state: State, event: SyscallEvent) -> None:
    facts: Entered = event.facts
    entered = state.entered
    entered.pop(event.tid, None)
    if len(entered) >= _ENTERED_LIMIT:
        del entered[next(iter(entered))]
    entered[event.tid] = facts


def _reset(state: State, _: SyscallEvent) -> None:
    state.tables = Tables()
    state.addresses = state.netmasks = ()
    state.boot_time = 0
    for kept in (state.entered, state.waiting, state.recent_exits):
        kept.clear()


def _state(state: State, event: SyscallEvent) -> None:
    snapshot.begin(state, event.facts)


def _saved(state: State, event: SyscallEvent) -> None:
    snapshot.keep(state, event.facts)


def _restored(state: State, _: SyscallEvent) -> None:
    snapshot.finish(state)


def _looked(state: State, event: SyscallEvent) -> None:
    facts: Looked = event.facts
    if len(state.answers) < _ANSWERS_LIMIT:
        state.answers.setdefault(facts.tid, []).append(facts)


def _repaired(state: State, event: SyscallEvent) -> None:
    repair(state, event.facts)


INTERNAL: Final = {
    "_process": _process,
    "_file": _file,
    "_seeded": _seeded,
    "_enter": _enter,
    "_reset": _reset,
    "_state": _state,
    "_saved": _saved,
    "_restored": _restored,
    "_looked": _looked,
    "_repaired": _repaired,
}
