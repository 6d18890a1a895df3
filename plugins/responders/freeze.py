"""The responder `freeze`: freezes the cgroup of a process, or of its container; thawing undoes it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field

from mozu.core.api import (
    Context,
    Incident,
    ResponderDeclaration,
    ResponderSettings,
    ResponsePlan,
    ResponseTarget,
    Scope,
    StatelessResponder,
    hookimpl,
)
from mozu.core.common.cgroup_control import ControlledCgroup, cgroups_of, controlled_cgroup


class FreezeSettings(ResponderSettings):
    """Settings of the responder `freeze`."""

    what: Literal["container", "cgroup"] = Field(
        "container", description="The container's cgroup, or that of the process, in a container or not."
    )


class FreezeResponder(StatelessResponder):
    """Responder that freezes cgroups of version 1 or 2."""

    def __init__(self, settings: FreezeSettings, context: Context) -> None:
        self._scope = Scope(settings.what)

    def plan(self, incident: Incident) -> ResponsePlan | None:
        """Return the plan; None if there is no such cgroup, or only a root cgroup."""
        subject = incident.subject
        if subject is None or (self._scope is Scope.CONTAINER and subject.container is None):
            return None
        container = subject.container.full_id if self._scope is Scope.CONTAINER and subject.container else ""
        found = controlled_cgroup(subject.cgroups, container)
        found = found or controlled_cgroup(cgroups_of(subject.pid), container)
        if found is None:
            return None
        return incident.plan_to("freeze", self._scope, detail={"cgroup": str(found.directory)}, lasts=True)

    async def act(self, incident: Incident, plan: ResponsePlan, targets: Sequence[ResponseTarget]) -> None:
        """Freeze the cgroup. Raises OSError."""
        ControlledCgroup(Path(plan.detail["cgroup"])).freeze()

    async def undo(self, detail: Mapping[str, str], targets: Sequence[ResponseTarget]) -> None:
        """Thaw the cgroup. Raises OSError."""
        ControlledCgroup(Path(detail["cgroup"])).thaw()


@hookimpl
def mozu_components() -> ResponderDeclaration[FreezeSettings]:
    """Declare the responder."""
    return ResponderDeclaration(
        name="freeze",
        build=FreezeResponder,
        settings=FreezeSettings,
        summary="Freezes the cgroup of the container, or of the process, of an alert.",
    )
