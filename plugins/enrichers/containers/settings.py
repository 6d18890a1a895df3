"""Settings of the enricher `containers`."""

from pydantic import Field

from mozu.core.api import Settings
from mozu.core.common.containers.containerd.settings import ContainerdSettings
from mozu.core.common.containers.cri.settings import CriSettings
from mozu.core.common.containers.docker.settings import DockerSettings
from mozu.core.common.containers.podman.settings import PodmanSettings


class ContainersSettings(Settings):
    """Settings of the enricher `containers`: those of the runtimes that it looks for."""

    docker: DockerSettings | None = Field(
        DockerSettings(), description="Settings of the enricher `docker`; null: no docker engine is looked for."
    )
    containerd: ContainerdSettings | None = Field(
        ContainerdSettings(), description="Settings of the enricher `containerd`; null: it is not looked for."
    )
    cri: CriSettings | None = Field(
        CriSettings(), description="Settings of the enricher `cri`; null: no socket of CRI is looked for."
    )
    podman: PodmanSettings | None = Field(
        PodmanSettings(), description="Settings of the enricher `podman`; null: it is not looked for."
    )
