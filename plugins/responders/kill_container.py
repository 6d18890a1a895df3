"""The responder `kill_container`: the container of an alert is killed by its engine, which then does not restart it
even if its restart policy says so. `kill` with `what: container` uses no engine."""

from collections.abc import Sequence

from mozu.core.api import (
    Context,
    Incident,
    ResponderDeclaration,
    ResponsePlan,
    ResponseTarget,
    hookimpl,
)
from mozu.core.common.containers.engines.responder import EngineResponder
from mozu.core.common.containers.engines.settings import EngineSettings


class KillContainerResponder(EngineResponder):
    """Responder that cannot be undone."""

    def __init__(self, settings: EngineSettings, context: Context) -> None:
        super().__init__(settings)

    def plan(self, incident: Incident) -> ResponsePlan | None:
        """Return the plan; see `plan_by_engine`."""
        return self.plan_by_engine("kill", incident, lasts=False)

    async def act(self, incident: Incident, plan: ResponsePlan, targets: Sequence[ResponseTarget]) -> None:
        """Kill the container. Raises the engine's errors."""
        await self.found(plan, targets)
        await self.control(plan.detail).kill(plan.detail["container"])


@hookimpl
def mozu_components() -> ResponderDeclaration[EngineSettings]:
    """Declare the responder."""
    return ResponderDeclaration(
        name="kill_container",
        build=KillContainerResponder,
        settings=EngineSettings,
        summary="Kills the container of an alert through its engine, so that it is not started again.",
    )
