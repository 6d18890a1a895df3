"""What responders that go through an engine have in common: which engine, and that the container is the one meant.

A container's id comes from its cgroup path, and a process that may make cgroups can make one with another's id in
its name. So the first process that the engine names must be one of those that the core holds.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from mozu.core.api import Incident, ResponsePlan, ResponseTarget, Scope
from mozu.core.common.containers.engines.settings import EngineSettings

if TYPE_CHECKING:
    from mozu.core.common.containers.engines.control import EngineContainer, EngineControl

_ENGINES: Final = ("docker", "containerd", "podman")


class EngineResponder:
    """The part that does not depend on what is done."""

    def __init__(self, settings: EngineSettings) -> None:
        self._settings = settings

    async def start(self) -> None:
        """Engines are connected to for each act."""

    async def stop(self) -> None:
        """Nothing to close."""

    def plan_to(self, verb: str, incident: Incident, *, lasts: bool) -> ResponsePlan | None:
        """None where the alert is about no container, or about one of an engine that cannot be asked."""
        subject = incident.subject
        if subject is None or subject.container is None or _engine_of(subject.container.runtime) is None:
            return None
        engine, ident = _engine_of(subject.container.runtime) or "", subject.container.full_id
        text = f"{verb} {subject.text(Scope.CONTAINER)} by {engine}"
        detail = {"engine": engine, "container": ident}
        return ResponsePlan(text=text, scope=Scope.CONTAINER, detail=detail, lasts=lasts)

    async def found(self, plan: ResponsePlan, targets: Sequence[ResponseTarget]) -> "EngineContainer":
        """The container, as its engine knows it. Raises ProcessLookupError, RuntimeError, OSError."""
        state = await self.control(plan.detail).state(plan.detail["container"])
        if state is None:
            raise ProcessLookupError("the engine has no such container that runs")
        if state.pid not in {one.pid for one in targets if one.signal(0)}:
            raise RuntimeError(f"the engine says process {state.pid}, which is not in the container of the alert")
        return state

    def control(self, detail: Mapping[str, str]) -> "EngineControl":
        """The engine of a plan. What talks to it is imported only where something acts."""
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
    """`k8s`: a path of the kubelet, which does not name its runtime; containerd is asked, and answers if it is its."""
    return runtime if runtime in _ENGINES else "containerd" if runtime == "k8s" else None
