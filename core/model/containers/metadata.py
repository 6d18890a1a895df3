"""The metadata of a container."""

from typing import Final

import msgspec


class Mount(msgspec.Struct, frozen=True):
    """A mount as the engine describes it."""

    source: str
    """Path on the host."""
    dest: str
    """Path in the container."""
    mode: str
    """Options as requested (`ro`, `z`, empty)."""
    writable: bool
    propagation: str

    @property
    def text(self) -> str:
        """The mount as `source:dest:mode:rdwr:propagation`."""
        return f"{self.source}:{self.dest}:{self.mode}:{'true' if self.writable else 'false'}:{self.propagation}"


class ContainerMetadata(msgspec.Struct, frozen=True, kw_only=True):
    """The facts about a container at one moment; replaced, never changed. None stands for a fact the engine did not
    report."""

    full_id: str
    runtime: str = ""
    """The runtime that reported the facts: docker, containerd, cri, podman; empty in older recordings."""
    name: str | None = None
    image: str | None = None
    """The image that the container was made from, as the user wrote it."""
    image_id: str | None = None
    """Hash of the image: 64 hexadecimal digits, without the name of the hash."""
    repository: str | None = None
    tag: str | None = None
    digest: str | None = None
    """The registry's digest, `sha256:…`; empty if the image never met a registry."""
    privileged: bool | None = None
    mounts: tuple[Mount, ...] | None = None
    """Mounts in the order of their destinations."""
    labels: dict[str, str] | None = None
    ip: str | None = None
    """The container's first IPv4 address; empty if it has none of its own."""
    host_pid: bool | None = None
    """True if the container shares the host's pid namespace; likewise for network and ipc."""
    host_network: bool | None = None
    host_ipc: bool | None = None
    created: int = 0
    """Creation time, ns since the epoch; 0 if not known, or not yet. Likewise `started`."""
    started: int = 0
    sandbox_id: str = ""
    """Id of the pod's sandbox container; empty outside pods."""
    cni_json: str | None = None
    healthcheck: tuple[str, ...] | None = None
    """The command by which the runtime checks the container's health, as written (with `CMD` or `CMD-SHELL` first for
    docker and podman); empty without one."""
    liveness_probe: tuple[str, ...] | None = None
    """The command of the kubelet's probe; empty if no probe runs a command. Likewise `readiness_probe`."""
    readiness_probe: tuple[str, ...] | None = None
    cgroups: tuple[str, ...] | None = None
    """Paths at one of which the runtime has made the container's cgroup (`cgroups_path` of its specification)."""
    owner: int = 0
    """Uid of the user whose storage holds the container; 0 for root's."""

    @property
    def lacks_of_pod(self) -> bool:
        """True if the container is a pod's and lacks a fact that a Kubernetes runtime knows."""
        return bool(self.sandbox_id) and (self.image_id is None or self.labels is None or self.ip is None)

    def completed(self, other: "ContainerMetadata") -> "ContainerMetadata":
        """Return the metadata with missing facts filled in from another runtime's report on the same container."""
        mine = {name: value for name, value in msgspec.structs.asdict(self).items() if _tells(value)}
        found = msgspec.structs.asdict(other) | mine
        if self.labels is not None and other.labels is not None:
            found["labels"] = other.labels | self.labels
        return ContainerMetadata(**found)


HOST: Final = ContainerMetadata(
    full_id="host",
    name="host",
    image="",
    image_id="",
    repository="",
    tag="",
    digest="",
    privileged=False,
    mounts=(),
    labels={},
    ip="",
    host_pid=False,
    host_network=False,
    host_ipc=False,
    healthcheck=(),
    liveness_probe=(),
    readiness_probe=(),
)
"""Values of the fields for processes outside containers."""


def _tells(value: object) -> bool:
    return value is not None and value != "" and (value is False or value != 0)
