"""The container a process runs in, as far as its cgroup shows."""

import msgspec


class Claim(msgspec.Struct, frozen=True):
    """The facts of a container whose cgroup's name proves nothing: a user other than root made the cgroup, or a process
    of a container did. docs/containers.md, "Proof"."""

    place: str
    """Path of its cgroup."""
    maker: int
    """uid of who can have made it; 0: root; -1: not known."""
    outer: "Container | None" = None
    """The container in which it was made."""


class Container(msgspec.Struct, frozen=True, repr_omit_defaults=True):
    """The facts in the cgroup path; names, images and labels come from enrichers, by `key`."""

    full_id: str
    """The runtime's own id, whole."""
    runtime: str
    """docker, containerd, cri-o, podman, lxc, … as `core.state.cgroup` matched it."""
    claim: Claim | None = None
    """None: its identity is proven."""

    @property
    def id(self) -> str:
        """The first 12 characters, as people quote it."""
        return self.full_id[:12]

    @property
    def proven(self) -> "Container | None":
        """The container, or the nearest one around it, whose identity is proven."""
        one: Container | None = self
        while one is not None and one.claim is not None:
            one = one.claim.outer
        return one

    @property
    def key(self) -> str:
        """Return the enrichers' key of the container: its id if that is proven, else the whole claim.

        No cgroup has a newline in its name (kernel/cgroup/cgroup.c, cgroup_mkdir).
        """
        if self.claim is None:
            return self.full_id
        outer = "" if self.claim.outer is None else self.claim.outer.key
        return f"{self.full_id}\n{self.claim.maker}\n{self.claim.place}\n{outer}"

    @property
    def account(self) -> str:
        """Return the id of the proven container that acts are charged to; empty: the maker of the cgroup is charged."""
        return "" if self.proven is None else self.proven.full_id


def claimed(key: str) -> tuple[str, int, str, str]:
    """Return (id, uid of the maker, path, key of the container around it) of the key of a claim; of a proven container
    its id alone, and the path is empty."""
    full_id, _, rest = key.partition("\n")
    if not rest:
        return key, 0, "", ""
    maker, place, outer = rest.split("\n", 2)
    return full_id, int(maker), place, outer
