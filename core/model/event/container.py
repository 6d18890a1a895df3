"""The container of a process, as known from its cgroup."""

import msgspec


class Claim(msgspec.Struct, frozen=True):
    """The facts of a container whose cgroup name proves nothing: a user other than root made the cgroup, or a process
    of a container did. docs/operate/containers.md, "Proof"."""

    place: str
    """Path of the container's cgroup."""
    maker: int
    """Uid of the user that can have made the cgroup; 0 for root, -1 if not known."""
    outer: "Container | None" = None
    """The container in which the cgroup was made; None outside containers."""


class Container(msgspec.Struct, frozen=True, repr_omit_defaults=True):
    """The facts in the cgroup path; names, images and labels come from enrichers, by `key`."""

    full_id: str
    """The runtime's own id, in full."""
    runtime: str
    """The runtime: docker, containerd, cri-o, podman, lxc, … as `core.state.cgroup` matched it."""
    claim: Claim | None = None
    """The facts about an identity that is not proven; None if it is proven."""

    @property
    def id(self) -> str:
        """The first 12 characters of the id, as people quote it."""
        return self.full_id[:12]

    @property
    def proven(self) -> "Container | None":
        """The container, or the nearest one around it, whose identity is proven; None if there is none."""
        one: Container | None = self
        while one is not None and one.claim is not None:
            one = one.claim.outer
        return one

    @property
    def key(self) -> str:
        """Key of the container for enrichers: its id if that is proven, otherwise the whole claim.

        No cgroup has a newline in its name (kernel/cgroup/cgroup.c, cgroup_mkdir).
        """
        if self.claim is None:
            return self.full_id
        outer = "" if self.claim.outer is None else self.claim.outer.key
        return f"{self.full_id}\n{self.claim.maker}\n{self.claim.place}\n{outer}"

    @property
    def account(self) -> str:
        """Id of the proven container that acts are charged to; empty if the maker of the cgroup is charged."""
        return "" if self.proven is None else self.proven.full_id


def claimed(key: str) -> tuple[str, int, str, str]:
    """Return (id, uid of the maker, path, key of the container around it) from the key of a claim; from a proven
    container's, its id and empty parts."""
    full_id, _, rest = key.partition("\n")
    if not rest:
        return key, 0, "", ""
    maker, place, outer = rest.split("\n", 2)
    return full_id, int(maker), place, outer
