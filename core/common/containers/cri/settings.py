"""Settings of the enricher `cri`."""

from pathlib import Path

from pydantic import Field

from mozu.core.api import Settings


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
