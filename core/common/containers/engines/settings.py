"""The addresses of the engines: settings of the responders that act through them."""

from pathlib import Path

from pydantic import Field

from mozu.core.api import ResponderSettings


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
