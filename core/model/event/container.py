"""The container a process runs in, as far as its cgroup shows."""

import msgspec


class Container(msgspec.Struct, frozen=True):
    """What the cgroup path shows; names, images and labels come from enrichers, keyed by `full_id`."""

    full_id: str
    """The runtime's own id, whole."""
    runtime: str
    """docker, containerd, cri-o, podman, lxc, … as `core.state.cgroup` matched it."""

    @property
    def id(self) -> str:
        """The first 12 characters, as people quote it."""
        return self.full_id[:12]
