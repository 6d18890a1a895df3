"""Settings of the enricher `podman`."""

from pydantic import Field

from mozu.core.api import Settings


class PodmanSettings(Settings):
    """Settings of the enricher `podman`."""

    storage: tuple[str, ...] = Field(
        ("/var/lib/containers/storage", "/home/*/.local/share/containers/storage"),
        description="Where podman keeps containers and images (`graphroot`), of root and of users; `*`: any.",
    )
    timeout: float = Field(2.0, gt=0, le=60, description="Seconds within which the files of a container must be read.")
