"""Settings of the enrichers `docker`, `containerd`, `cri`, `podman`, and of `containers`, which has all four."""

from pathlib import Path

from pydantic import Field

from mozu.core.api import Settings


class DockerSettings(Settings):
    """Settings of the enricher `docker`."""

    socket: Path = Field(Path("/run/docker.sock"), description="The engine's unix socket.")
    data_root: Path | None = Field(
        None, description="Where the engine keeps its files; asked of the engine, else /var/lib/docker."
    )
    timeout: float = Field(2.0, gt=0, le=60, description="Seconds within which the engine must answer a request.")


class ContainerdSettings(Settings):
    """Settings of the enricher `containerd`."""

    state: Path = Field(
        Path("/run/containerd"), description="containerd's state directory (`state` in its configuration)."
    )
    root: Path = Field(
        Path("/var/lib/containerd"),
        description="containerd's root directory (`root` in its configuration), in which its database is.",
    )
    cni_results: Path = Field(
        Path("/var/lib/cni/results"), description="Where libcni keeps what network plugins answered for containers."
    )
    socket: Path | None = Field(
        Path("/run/containerd/containerd.sock"),
        description="containerd's unix socket, asked where its database may not be read; null: it is never asked.",
    )
    timeout: float = Field(2.0, gt=0, le=60, description="Seconds within which containerd must answer a request.")


class CriSettings(Settings):
    """Settings of the enricher `cri`."""

    sockets: tuple[Path, ...] = Field(
        (
            Path("/run/containerd/containerd.sock"),
            Path("/run/crio/crio.sock"),
            Path("/run/k3s/containerd/containerd.sock"),
            Path("/run/cri-dockerd.sock"),
        ),
        description="Unix sockets that may serve the Container Runtime Interface; all that are there are asked.",
    )
    timeout: float = Field(2.0, gt=0, le=60, description="Seconds within which a runtime must answer a request.")


class PodmanSettings(Settings):
    """Settings of the enricher `podman`."""

    storage: tuple[str, ...] = Field(
        ("/var/lib/containers/storage", "/home/*/.local/share/containers/storage"),
        description="Where podman keeps containers and images (`graphroot`), of root and of users; `*`: any.",
    )
    timeout: float = Field(2.0, gt=0, le=60, description="Seconds within which the files of a container must be read.")


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
