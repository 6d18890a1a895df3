"""The common part of responders that act through an engine: the choice of the engine, and proof of the container.

A container's id comes from its cgroup path, and a process that may make cgroups can make one with another's id in its
name. So the first process that the engine names must be one of those that the core holds.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from mozu.core.api import Incident, ResponsePlan, ResponseTarget, Scope, StatelessResponder
from mozu.core.common.containers.engines.settings import EngineSettings

if TYPE_CHECKING:
    from mozu.core.common.containers.engines.control import EngineContainer, EngineControl

_ENGINES: Final = ("docker", "containerd", "podman")


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
            from mozu.core.common.containers.engines.docker import DockerControl

            return DockerControl(settings.docker, settings.timeout)
        if detail["engine"] == "podman":
            from mozu.core.common.containers.engines.podman import PodmanControl

            return PodmanControl(settings.podman, settings.timeout)
        from mozu.core.common.containers.engines.containerd import ContainerdControl

        return ContainerdControl(settings.containerd, settings.containerd_state, settings.timeout)


def _engine_of(runtime: str) -> str | None:
    """Return the engine of a runtime; None if it cannot be asked. `k8s`, a path of the kubelet, does not show the
    runtime; containerd is asked, and answers if the container is its own."""
    return runtime if runtime in _ENGINES else "containerd" if runtime == "k8s" else None
