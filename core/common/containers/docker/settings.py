"""Settings of the enricher `docker`."""

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
