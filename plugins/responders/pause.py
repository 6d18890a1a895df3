"""The responder `pause`: the container of an alert is paused by its engine, which shows it as paused, runs no health
checks in it, and lets an operator undo it by its own means (`docker unpause`)."""

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
    """Idempotent: what is paused already counts as done, what is not paused (any more) as undone."""

    def __init__(self, settings: EngineSettings, context: Context) -> None:
        super().__init__(settings)

    def plan(self, incident: Incident) -> ResponsePlan | None:
        """See `plan_by_engine`."""
        return self.plan_by_engine("pause", incident, lasts=True)

    async def act(self, incident: Incident, plan: ResponsePlan, targets: Sequence[ResponseTarget]) -> None:
        """Raises what the engine says against it."""
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
        """A container that has ended needs nothing."""
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
