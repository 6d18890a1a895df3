"""The responder `pause`: the container of an alert is paused by its engine, which reports it as paused, runs no health
checks in it, and lets an operator undo it with the engine's own tools (`docker unpause`)."""

from collections.abc import Mapping, Sequence

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


class PauseResponder(EngineResponder):
    """Responder whose acts are idempotent: pausing a paused container succeeds, and so does undoing for one that is not
    paused."""

    def __init__(self, settings: EngineSettings, context: Context) -> None:
        super().__init__(settings)

    def plan(self, incident: Incident) -> ResponsePlan | None:
        """Return the plan; see `plan_by_engine`."""
        return self.plan_by_engine("pause", incident, lasts=True)

    async def act(self, incident: Incident, plan: ResponsePlan, targets: Sequence[ResponseTarget]) -> None:
        """Pause the container. Raises the engine's errors."""
        if (await self.found(plan, targets)).is_paused:
            return
        engine, ident = self.control(plan.detail), plan.detail["container"]
        try:
            await engine.pause(ident)
        except (OSError, RuntimeError):
            state = await engine.state(ident)
            if state is None or not state.is_paused:  # two alerts of one container come at once
                raise

    async def undo(self, detail: Mapping[str, str], targets: Sequence[ResponseTarget]) -> None:
        """Resume the container, if it still exists and is paused."""
        engine, ident = self.control(detail), detail["container"]
        state = await engine.state(ident)
        if state is not None and state.is_paused:
            await engine.resume(ident)


@hookimpl
def mozu_components() -> ResponderDeclaration[EngineSettings]:
    """Declare the responder."""
    return ResponderDeclaration(
        name="pause",
        build=PauseResponder,
        settings=EngineSettings,
        summary="Pauses the container of an alert through its engine: docker, containerd, podman.",
    )
