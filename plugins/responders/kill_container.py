"""The responder `kill_container`: the container of an alert is killed by its engine, which then does not start it again
though its restart policy may want that; `kill` with `what: container` asks no engine."""

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
    """Cannot be undone."""

    def __init__(self, settings: EngineSettings, context: Context) -> None:
        super().__init__(settings)

    def plan(self, incident: Incident) -> ResponsePlan | None:
        """See `plan_by_engine`."""
        return self.plan_by_engine("kill", incident, lasts=False)

    async def act(self, incident: Incident, plan: ResponsePlan, targets: Sequence[ResponseTarget]) -> None:
        """Raises what the engine says against it."""
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
