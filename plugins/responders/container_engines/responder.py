"""The responders that act through a container's engine: the choice of the engine, and proof of the container.

A container's id comes from its cgroup path, and a process that may make cgroups can make one with another's id in its
name. So the first process that the engine names must be one of those that the core holds.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pydantic import Field

from mozu.core.api import (
    Context,
    Incident,
    ResponderSettings,
    ResponsePlan,
    ResponseTarget,
    Scope,
    StatelessResponder,
)

if TYPE_CHECKING:
    from mozu.plugins.responders.container_engines.control import EngineContainer, EngineControl

_ENGINES: Final = ("docker", "containerd", "podman")


class EngineSettings(ResponderSettings):
    """Settings of responders that act through a container's engine."""

    docker: Path = Field(Path("/run/docker.sock"), description="The docker engine's unix socket.")
    containerd: Path = Field(Path("/run/containerd/containerd.sock"), description="containerd's unix socket.")
    containerd_state: Path = Field(
        Path("/run/containerd"), description="containerd's state directory, in which a container's namespace is found."
    )
    podman: tuple[str, ...] = Field(
        ("podman",), min_length=1, description="podman's command line, as a list; of root's containers."
    )
    timeout: float = Field(10.0, gt=0, le=25, description="Seconds in which the engine must answer.")


class EngineResponder(StatelessResponder):
    """The part that does not depend on the action. A connection to the engine is made for each act."""

    def __init__(self, settings: EngineSettings) -> None:
        self._settings = settings

    def plan_by_engine(self, verb: str, incident: Incident, *, lasts: bool) -> ResponsePlan | None:
        """Return a plan; None if the alert is about no container, or about one whose engine cannot be asked."""
        container = None if incident.subject is None else incident.subject.container
        engine = None if container is None else _engine_of(container.runtime)
        if container is None or engine is None:
            return None
        detail = {"engine": engine, "container": container.full_id}
        return incident.plan_to(f"have {engine} {verb}", Scope.CONTAINER, detail=detail, lasts=lasts)

    async def found(self, plan: ResponsePlan, targets: Sequence[ResponseTarget]) -> "EngineContainer":
        """Return the container's state as its engine knows it. Raises ProcessLookupError, RuntimeError, OSError."""
        state = await self.control(plan.detail).state(plan.detail["container"])
        if state is None:
            raise ProcessLookupError("the engine has no such container that runs")
        if state.pid not in {one.pid for one in targets if one.signal(0)}:
            raise RuntimeError(f"the engine says process {state.pid}, which is not in the container of the alert")
        return state

    def control(self, detail: Mapping[str, str]) -> "EngineControl":
        """Return a client of the plan's engine, whose module is imported only when something acts."""
        settings = self._settings
        if detail["engine"] == "docker":
            from mozu.plugins.responders.container_engines.docker import DockerControl

            return DockerControl(settings.docker, settings.timeout)
        if detail["engine"] == "podman":
            from mozu.plugins.responders.container_engines.podman import PodmanControl

            return PodmanControl(settings.podman, settings.timeout)
        from mozu.plugins.responders.container_engines.containerd import ContainerdControl

        return ContainerdControl(settings.containerd, settings.containerd_state, settings.timeout)


class KillContainerResponder(EngineResponder):
    """The responder `kill_container`: the engine does not restart the container even if its restart policy says so.

    The act cannot be undone. `kill` with `what: container` uses no engine.
    """

    def __init__(self, settings: EngineSettings, context: Context) -> None:
        super().__init__(settings)

    def plan(self, incident: Incident) -> ResponsePlan | None:
        """Return the plan; see `plan_by_engine`."""
        return self.plan_by_engine("kill", incident, lasts=False)

    async def act(self, incident: Incident, plan: ResponsePlan, targets: Sequence[ResponseTarget]) -> None:
        """Kill the container. Raises the engine's errors."""
        await self.found(plan, targets)
        await self.control(plan.detail).kill(plan.detail["container"])


class PauseResponder(EngineResponder):
    """The responder `pause`: the engine reports the container as paused, runs no health checks in it, and lets an
    operator undo the act with the engine's own tools (`docker unpause`).

    Acts are idempotent: pausing a paused container succeeds, and so does undoing for one that is not paused.
    """

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


def _engine_of(runtime: str) -> str | None:
    """Return the engine of a runtime; None if it cannot be asked. `k8s`, a path of the kubelet, does not show the
    runtime; containerd is asked, and answers if the container is its own."""
    return runtime if runtime in _ENGINES else "containerd" if runtime == "k8s" else None
