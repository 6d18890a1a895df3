"""The responder `freeze`: the cgroup of a process, or of its container, is frozen; thawing undoes it."""

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
    """What is frozen."""

    what: Literal["container", "cgroup"] = Field(
        "container", description="The container's cgroup, or that of the process, in a container or not."
    )


class FreezeResponder(StatelessResponder):
    """Version 1 and 2 of cgroups."""

    def __init__(self, settings: FreezeSettings, context: Context) -> None:
        self._scope = Scope(settings.what)

    def plan(self, incident: Incident) -> ResponsePlan | None:
        """None where there is no such cgroup, or only a root."""
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
        """Raises OSError."""
        ControlledCgroup(Path(plan.detail["cgroup"])).freeze()

    async def undo(self, detail: Mapping[str, str], targets: Sequence[ResponseTarget]) -> None:
        """Raises OSError."""
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
