"""Settings of the enricher `containerd`."""

from pathlib import Path

from pydantic import Field

from mozu.core.api import Settings


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
