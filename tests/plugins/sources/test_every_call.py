"""Every system call that the sources know, made with success and with failure, as each live source reports it."""

import asyncio
from pathlib import Path
from typing import Final

import pytest

from mozu.core.abi.syscall_specs import SYSCALL_SPECS
from mozu.core.abi.syscall_tables import TRACEPOINT_EVENTS
from mozu.core.model.syscalls import event_type
from mozu.plugins.sources.ebpf.tracepoints import PROGRAMS, Program
from tests.support import calls, requirements
from tests.support.calls import bare
from tests.support.calls.reported import Reported, missing
from tests.support.families import line, reported, traced, unwatched
from tests.support.live import Act, Live, demand
from tests.support.split import needs_live

STATE_DEPENDENCIES: Final = ("tree", "cwd", "ids")
TRACEPOINTS: Final = Path("/sys/kernel/tracing/events")
pytestmark = [pytest.mark.ebpf, pytest.mark.timeout(300)]


def _absent() -> set[str]:
    """Return the calls that this kernel does not have."""
    return {name for name in SYSCALL_SPECS if not any(map(_is_tracepoint, PROGRAMS[name]))}


def _is_tracepoint(program: Program) -> bool:
    return (TRACEPOINTS / program.group / program.tracepoint).exists()


NEVER_FAILS: Final = frozenset(
    {
        *("getuid", "geteuid", "getgid", "getegid", "brk", "procexit", "fork", "eventfd", "inotify_init"),
        "munlockall",
    }
)
"""Calls that fail only if a machine is out of some resource."""
NEVER_DONE: Final = frozenset({"init_module", "finit_module", "delete_module", "execveat"})
"""Calls that cannot succeed here: there are no modules; an execveat that succeeds is reported as an execve."""
ELSEWHERE: Final = frozenset({"_fork", "_cgroup", "vfork"}) | bare.absent()
"""Births and moves between cgroups, which are for the state only; a child of vfork must not return into Python
(test_ebpf_process makes one).
"""
NO_RESULT: Final = TRACEPOINT_EVENTS
"""Events that are no calls and so neither succeed nor fail (test_ebpf_scalar_events; signals are made here)."""


@pytest.fixture(scope="module")
@needs_live
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Reported]]:
    """Return the calls of each family as reported by itself, unwatched."""
    requirements.ebpf()
    return unwatched("calls", calls.FAMILIES, tmp_path_factory)


def _types(wanted: list[Reported]) -> set[str]:
    return {one.type for one in wanted}


@pytest.mark.parametrize("source", ["undemanded", "copying"])
@pytest.mark.parametrize("family", calls.FAMILIES)
def test_the_kernels_programs_tell_all_that_the_call_knows(
    request: pytest.FixtureRequest, expected: dict[str, list[Reported]], tmp_path: Path, family: str, source: str
) -> None:
    live: Live = request.getfixturevalue(source)
    live.update(demand(*_types(expected[family]), state_dependencies=STATE_DEPENDENCIES))

    def once(number: int) -> Act:
        place = tmp_path / f"{number}"
        place.mkdir()
        return live.act(calls.run, family, str(place))

    act = live.whole(once)
    has = live.source.counts().keys()
    assert _types(act.value) - has <= _absent()
    assert [] == list(missing([one for one in act.value if one.type in has], act.events))


@pytest.mark.parametrize("family", calls.FAMILIES)
def test_tracing_tells_all_that_the_call_knows(
    expected: dict[str, list[Reported]], tmp_path: Path, family: str
) -> None:
    events = asyncio.run(traced(line("calls", family, tmp_path), _types(expected[family]), STATE_DEPENDENCIES))

    assert [] == list(missing(reported(tmp_path), events))


def test_every_call_is_made_with_success_and_with_failure(expected: dict[str, list[Reported]]) -> None:
    results: dict[str, list[int]] = {}
    for one in (one for family in expected.values() for one in family):
        declared = event_type(one.type)
        assert declared is not None
        if declared.params and not declared.own_params and one.type not in NO_RESULT:
            results.setdefault(one.type, []).append(one.args[0])
    done = {name for name, found in results.items() if any(result >= 0 for result in found)}
    failed = {name for name, found in results.items() if any(result < 0 for result in found)}
    known = {name for name in SYSCALL_SPECS if name not in ELSEWHERE | NO_RESULT and _has_parameters(name)}

    assert known - done == NEVER_DONE
    assert known - failed == NEVER_FAILS


def test_every_call_without_parameters_is_made(expected: dict[str, list[Reported]]) -> None:
    made = _types(expected["bare"] + expected["network"])

    assert {name for name in SYSCALL_SPECS if not _has_parameters(name)} - made == ELSEWHERE - {"vfork"}


def _has_parameters(name: str) -> bool:
    declared = event_type(name)
    return declared is not None and bool(declared.params) and not declared.own_params
