"""What is known of a container."""

from typing import Final

import msgspec


class Mount(msgspec.Struct, frozen=True):
    """One mount as the engine describes it."""

    source: str
    """Path on the host."""
    dest: str
    """Path in the container."""
    mode: str
    """Options as they were asked for (`ro`, `z`, empty)."""
    writable: bool
    propagation: str

    @property
    def text(self) -> str:
        """`source:dest:mode:rdwr:propagation`."""
        return f"{self.source}:{self.dest}:{self.mode}:{'true' if self.writable else 'false'}:{self.propagation}"


class ContainerMetadata(msgspec.Struct, frozen=True, kw_only=True):
    """One container at one moment; replaced, never changed. None stands for what the engine did not tell."""

    full_id: str
    runtime: str = ""
    """Which runtime said so: docker, containerd, cri, podman; empty in older recordings."""
    name: str | None = None
    image: str | None = None
    """Falco that the container was made from, as the user wrote it."""
    image_id: str | None = None
    """64 hexadecimal digits, without the name of the hash."""
    repository: str | None = None
    tag: str | None = None
    digest: str | None = None
    """The registry's, `sha256:…`; empty where the image never met a registry."""
    privileged: bool | None = None
    mounts: tuple[Mount, ...] | None = None
    """In the order of their destinations."""
    labels: dict[str, str] | None = None
    ip: str | None = None
    """Its first IPv4 address; empty where it has none of its own."""
    host_pid: bool | None = None
    """Shares the host's pid namespace; so for network and ipc."""
    host_network: bool | None = None
    host_ipc: bool | None = None
    created: int = 0
    """ns since the epoch; so is started. 0: not known, or not yet."""
    started: int = 0
    sandbox_id: str = ""
    """The pod's sandbox container; empty outside pods."""
    cni_json: str | None = None
    healthcheck: tuple[str, ...] | None = None
    """The command that the runtime runs in it to see whether it is well, as it was given (`CMD`, `CMD-SHELL` first for
    docker and podman); empty without one."""
    liveness_probe: tuple[str, ...] | None = None
    """The command of the kubelet's probe; empty without one that runs a command. So is the next one."""
    readiness_probe: tuple[str, ...] | None = None
    cgroups: tuple[str, ...] | None = None
    """Paths, one of which its runtime has made its cgroup at (`cgroups_path` of its specification)."""
    owner: int = 0
    """uid of the user whose storage says so; 0: root's."""

    @property
    def lacks_of_pod(self) -> bool:
        """Whether it is a pod's, and something is missing that a runtime of Kubernetes knows."""
        return bool(self.sandbox_id) and (self.image_id is None or self.labels is None or self.ip is None)

    def completed(self, other: "ContainerMetadata") -> "ContainerMetadata":
        """With what another runtime says of the same container, where this one does not tell."""
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
"""What fields say of processes outside containers."""


def _tells(value: object) -> bool:
    return value is not None and value != "" and (value is False or value != 0)
