"""Internal events: seeds, answers of /proc, repairs, and the start of another recording."""

from typing import Final

from mozu.core.model.event import SyscallEvent
from mozu.core.state import snapshot
from mozu.core.state.observed import Entered, KnownFile, KnownProcess, ProcSnapshot, Seeded
from mozu.core.state.repair import repair
from mozu.core.state.seeding import finish_seeding, seed, seed_file
from mozu.core.state.state import State
from mozu.core.state.tables import Tables

_ENTERED_LIMIT: Final = 1 << 16
_ANSWERS_LIMIT: Final = 1 << 16


def _process(state: State, event: SyscallEvent) -> None:
    observed: KnownProcess = event.observed
    if event.tid >= 0 and not state.is_full:
        seed(state, event.tid, event.pid, observed, state.number + 1)


def _file(state: State, event: SyscallEvent) -> None:
    observed: KnownFile = event.observed
    node = state.node(event.tid)
    if node is not None and observed.fd >= 0:
        seed_file(node, observed, recorded=not state.live)


def _seeded(state: State, event: SyscallEvent) -> None:
    observed: Seeded | None = event.observed
    if observed is not None:
        state.addresses, state.netmasks = observed.addresses, observed.netmasks
        state.boot_time = observed.boot_time or state.boot_time
    finish_seeding(state)


def _enter(state: State, event: SyscallEvent) -> None:
    observed: Entered = event.observed
    entered = state.entered
    entered.pop(event.tid, None)
    if len(entered) >= _ENTERED_LIMIT:
        del entered[next(iter(entered))]
    entered[event.tid] = observed


def _reset(state: State, _: SyscallEvent) -> None:
    state.tables = Tables()
    state.addresses = state.netmasks = ()
    state.boot_time = 0
    for kept in (state.entered, state.waiting, state.recent_exits):
        kept.clear()


def _state(state: State, event: SyscallEvent) -> None:
    snapshot.begin(state, event.observed)


def _saved(state: State, event: SyscallEvent) -> None:
    snapshot.keep(state, event.observed)


def _restored(state: State, _: SyscallEvent) -> None:
    snapshot.finish(state)


def _looked(state: State, event: SyscallEvent) -> None:
    observed: ProcSnapshot = event.observed
    if len(state.answers) < _ANSWERS_LIMIT:
        state.answers.setdefault(observed.tid, []).append(observed)


def _repaired(state: State, event: SyscallEvent) -> None:
    repair(state, event.observed)


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
