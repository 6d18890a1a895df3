"""The responder `stop`: SIGSTOP, so that a process can be examined; SIGCONT undoes it."""

import signal
from collections.abc import Mapping, Sequence
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


class StopSettings(ResponderSettings):
    """Settings of the responder `stop`."""

    what: Literal["process", "group"] = Field("process", description="The process, or its process group.")


class StopResponder(StatelessResponder):
    """Responder whose act is undone by SIGCONT to the same processes."""

    def __init__(self, settings: StopSettings, context: Context) -> None:
        self._scope = Scope(settings.what)

    def plan(self, incident: Incident) -> ResponsePlan | None:
        """Return the plan; None if the alert is about no process."""
        return incident.plan_to("stop", self._scope, lasts=True)

    async def act(self, incident: Incident, plan: ResponsePlan, targets: Sequence[ResponseTarget]) -> None:
        """Send SIGSTOP. Raises ProcessLookupError if all had ended before."""
        if not sum([one.signal(signal.SIGSTOP) for one in targets]):
            raise ProcessLookupError("it had ended before the signal")

    async def undo(self, detail: Mapping[str, str], targets: Sequence[ResponseTarget]) -> None:
        """Send SIGCONT to the processes that still exist."""
        for one in targets:
            one.signal(signal.SIGCONT)


@hookimpl
def mozu_components() -> ResponderDeclaration[StopSettings]:
    """Declare the responder."""
    return ResponderDeclaration(
        name="stop",
        build=StopResponder,
        settings=StopSettings,
        summary="Stops the process of an alert, or its process group, until it is continued.",
    )
