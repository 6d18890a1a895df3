"""An OCI runtime specification (`config.json` of a bundle), as far as it describes a container.

Names are those of the runtime specification 1.0; every runtime that starts runc or crun writes one before the first
instruction of the container.
"""

from collections.abc import Iterable
from typing import Final

import msgspec

from mozu.core.model.containers.metadata import Mount

_PROPAGATIONS: Final = frozenset({"private", "rprivate", "shared", "rshared", "slave", "rslave", "unbindable"})
_BINDS: Final = frozenset({"bind", "rbind"})
_SLICE: Final = ".slice"
_SYSTEM: Final = f"system{_SLICE}"
_ALL_DEVICES: Final = frozenset({"", "a"})


class _Capabilities(msgspec.Struct):
    bounding: list[str] | None = None


class _Process(msgspec.Struct):
    capabilities: _Capabilities | None = None
    env: list[str] | None = None


class _Mount(msgspec.Struct):
    destination: str = ""
    type: str = ""
    source: str = ""
    options: list[str] | None = None

    @property
    def is_bind(self) -> bool:
        return self.type == "bind" or not _BINDS.isdisjoint(self.options or ())

    def described(self) -> Mount:
        options = self.options or []
        propagation = next((option for option in options if option in _PROPAGATIONS), "")
        return Mount(self.source, self.destination, "", "ro" not in options, propagation)


class _Namespace(msgspec.Struct):
    type: str = ""
    path: str = ""


class _Device(msgspec.Struct):
    allow: bool = False
    type: str | None = None
    access: str | None = None
    major: int | None = None


class _Resources(msgspec.Struct):
    devices: list[_Device] | None = None


class _Linux(msgspec.Struct, rename="camel"):
    namespaces: list[_Namespace] | None = None
    resources: _Resources | None = None
    masked_paths: list[str] | None = None
    cgroups_path: str = ""


class OciSpec(msgspec.Struct):
    """A container as its low-level runtime is to make it."""

    process: _Process | None = None
    mounts_given: list[_Mount] | None = msgspec.field(name="mounts", default=None)
    annotations: dict[str, str] = {}
    linux: _Linux | None = None

    @property
    def privileged(self) -> bool:
        """True for all devices, CAP_SYS_ADMIN and no masked paths: the effect of `--privileged` on a specification in
        containerd, CRI and podman alike. The specification itself has no such word."""
        linux, process = self.linux or _Linux(), self.process or _Process()
        bounding = (process.capabilities or _Capabilities()).bounding or []
        return (
            not linux.masked_paths
            and "CAP_SYS_ADMIN" in bounding
            and _allows_all((linux.resources or _Resources()).devices or ())
        )

    @property
    def mounts(self) -> tuple[Mount, ...]:
        """Mounts from the host, in the order of the destinations."""
        found = [mount.described() for mount in self.mounts_given or () if mount.is_bind]
        return tuple(sorted(found, key=lambda mount: mount.dest))

    @property
    def cgroups(self) -> tuple[str, ...] | None:
        """The container's cgroup path; None if the runtime chooses it. `SLICE:PREFIX:NAME` is systemd's scope
        PREFIX-NAME (runc, libcontainer/cgroups/systemd)."""
        given = (self.linux or _Linux()).cgroups_path
        parts = given.split(":")
        if len(parts) == 3:
            return (f"{slice_path(parts[0] or _SYSTEM)}/{parts[1]}-{parts[2]}.scope",)
        return (f"/{given.strip('/')}",) if given else None

    def shares_host(self, kind: str) -> bool:
        """Return True if the container has no namespace of this kind (pid, network, ipc) of its own and joins none."""
        return all(namespace.type != kind for namespace in self._namespaces())

    def joins(self, kind: str) -> bool:
        """Return True if the container uses a namespace that existed before: that of its pod."""
        return any(namespace.type == kind and namespace.path for namespace in self._namespaces())

    def _namespaces(self) -> Iterable[_Namespace]:
        return (self.linux or _Linux()).namespaces or ()


def slice_path(name: str) -> str:
    """Return the cgroup of a slice: `a-b.slice` is in `a.slice` (systemd.slice(5))."""
    parts = name.removesuffix(_SLICE).split("-")
    return "".join(f"/{'-'.join(parts[: number + 1])}{_SLICE}" for number in range(len(parts)))


def _allows_all(devices: Iterable[_Device]) -> bool:
    return any(
        device.allow and (device.type or "") in _ALL_DEVICES and device.major is None and device.access == "rwm"
        for device in devices
    )


decode_spec = msgspec.json.Decoder(OciSpec).decode
"""Function from the text of `config.json` to the specification. Raises msgspec.DecodeError."""
