"""The responder `kill`: SIGKILL to the process of an alert and those that share its descriptors, to its group, or to
all processes of its container."""

import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Literal, Self

from pydantic import Field, model_validator

from mozu.core.api import (
    Context,
    Incident,
    KernelAction,
    KillPlace,
    ResponderDeclaration,
    ResponderSettings,
    ResponsePlan,
    ResponseTarget,
    Scope,
    StatelessResponder,
    hookimpl,
)
from mozu.core.common.cgroup_control import ControlledCgroup, controlled_cgroup

_ROUNDS: Final = 20
"""Most searches of a container without cgroup.kill for processes that were created meanwhile."""


class KillSettings(ResponderSettings):
    """Settings of the responder `kill`."""

    what: Literal["process", "group", "container"] = Field(
        "process",
        description="The process with those that share its descriptors, its process group, or all of its container.",
    )
    where: KillPlace = Field(
        "user",
        description="`user`: mozu kills. `either`: the kernel, before the call returns, for rules that it decides; "
        "mozu for others, and for what the kernel leaves. `kernel`: the same, but other rules are refused.",
    )

    @model_validator(mode="after")
    def _kernel_kills_processes(self) -> Self:
        if self.where != "user" and self.what != "process":
            raise ValueError(f"`where: {self.where}` kills processes; use `what: process`, or `where: user`")
        return self


class KillResponder(StatelessResponder):
    """Responder that cannot be undone; after an interrupted act, its frozen cgroup is thawed."""

    def __init__(self, settings: KillSettings, context: Context) -> None:
        self._where = settings.where
        self._scope = Scope.SHARERS if settings.what == "process" else Scope(settings.what)

    def kill_place(self) -> KillPlace:
        """Return the configured place; see `ActsInKernel`."""
        return self._where

    def kernel_action(self) -> KernelAction:
        """Return `kill`; see `ActsInKernel`."""
        return "kill"

    def plan(self, incident: Incident) -> ResponsePlan | None:
        """Return the plan; None if the alert is about no process."""
        found = _cgroup_of(incident) if self._scope is Scope.CONTAINER else None
        return incident.plan_to("kill", self._scope, detail={} if found is None else {"cgroup": str(found.directory)})

    async def act(self, incident: Incident, plan: ResponsePlan, targets: Sequence[ResponseTarget]) -> None:
        """Kill the processes. Raises ProcessLookupError if all had ended before."""
        found = ControlledCgroup(Path(plan.detail["cgroup"])) if plan.detail else None
        if found is not None and found.kill():
            return
        reached = _signal_all(targets)
        if found is not None:
            _kill_newcomers(found, {one.pid for one in targets})
        if not reached:
            raise ProcessLookupError("it had ended before the signal")

    async def undo(self, detail: Mapping[str, str], targets: Sequence[ResponseTarget]) -> None:
        """Thaw the cgroup. Raises OSError. Killed processes of a frozen cgroup of version 1 end when it is thawed."""
        if detail:
            ControlledCgroup(Path(detail["cgroup"])).thaw()


def _cgroup_of(incident: Incident) -> ControlledCgroup | None:
    if incident.subject is None or incident.subject.container is None:
        return None
    return controlled_cgroup(incident.subject.cgroups, incident.subject.container.full_id)


def _signal_all(targets: Sequence[ResponseTarget]) -> int:
    return sum([one.signal(signal.SIGKILL) for one in targets])


def _kill_newcomers(found: ControlledCgroup, known: set[int]) -> None:
    """Kill processes that others had created before they were killed. A frozen cgroup gets no new ones."""
    found.freeze()
    try:
        for _ in range(_ROUNDS):
            added = [pid for pid in found.pids() if pid not in known]
            if not added:
                return
            for pid in added:
                found.signal(pid, signal.SIGKILL)
            known.update(added)
    finally:
        found.thaw()


@hookimpl
def mozu_components() -> ResponderDeclaration[KillSettings]:
    """Declare the responder."""
    return ResponderDeclaration(
        name="kill",
        build=KillResponder,
        settings=KillSettings,
        summary="Kills the process of an alert, its process group, or its container.",
    )
