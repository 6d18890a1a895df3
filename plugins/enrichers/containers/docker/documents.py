"""The engine's documents, as far as mozu reads them, and their common form.

Two forms describe a container: the API's inspect document and the pair of files under the engine's data root. Both are
decoded into `Described`. Names and nullness are those of Engine API 1.41 to 1.45 and of `config.v2.json` as of 20.10.
"""

from collections.abc import Iterable
from datetime import datetime
from ipaddress import IPv4Address, ip_address
from typing import Final

import msgspec

from mozu.core.model.containers.image import Image, ImageNames, identify
from mozu.core.model.containers.metadata import ContainerMetadata, Mount
from mozu.plugins.enrichers.containers.oci_spec import slice_path

_SANDBOX_LABEL: Final = "io.kubernetes.sandbox.id"
_KIND_LABEL: Final = "io.kubernetes.docker.type"


class Described(msgspec.Struct, frozen=True, kw_only=True):
    """A container as the engine describes it, before the names of its image are known."""

    full_id: str
    name: str
    image: str
    image_id: str
    labels: dict[str, str]
    privileged: bool
    pid_mode: str
    ipc_mode: str
    network_mode: str
    mounts: tuple[Mount, ...]
    ip: str
    created: int
    started: int
    healthcheck: tuple[str, ...] = ()
    cgroup_parent: str = ""
    """Parent cgroup; empty for the engine's own, which is usually `/docker` or systemd's `system.slice`."""
    driver: str = ""
    """Storage driver; the files of images are below its name."""

    @property
    def joined(self) -> str:
        """Id of the container whose network this one uses; empty if none."""
        kind, _, other = self.network_mode.partition(":")
        return other if kind == "container" else ""

    def metadata(self, names: ImageNames, ip: str = "") -> ContainerMetadata:
        """Return complete metadata; `ip` is that of the joined container."""
        image = identify(self.image, self.image_id, names)
        return ContainerMetadata(
            full_id=self.full_id,
            name=self.name,
            image=self.image,
            image_id=self.image_id,
            repository=image.repository,
            tag=image.tag,
            digest=image.digest,
            privileged=self.privileged,
            mounts=self.mounts,
            labels=self.labels,
            ip=self.ip or ip,
            host_pid=self.pid_mode == "host",
            host_network=self.network_mode == "host",
            host_ipc=self.ipc_mode == "host",
            created=self.created,
            started=self.started,
            sandbox_id=self._sandbox(),
            healthcheck=self.healthcheck,
            cgroups=self._cgroups(),
        )

    def _cgroups(self) -> tuple[str, ...]:
        """Return the cgroup paths of a container, with the driver cgroupfs and with systemd's (moby,
        daemon/oci_linux.go)."""
        parent = self.cgroup_parent
        return (
            f"/{(parent or 'docker').strip('/')}/{self.full_id}",
            f"{slice_path(parent or 'system.slice')}/docker-{self.full_id}.scope",
        )

    def _sandbox(self) -> str:
        if self.labels.get(_KIND_LABEL) == "podsandbox":
            return self.full_id
        return self.labels.get(_SANDBOX_LABEL, "")


class _Network(msgspec.Struct):
    address: str = msgspec.field(name="IPAddress", default="")


class _NetworkSettings(msgspec.Struct):
    address: str = msgspec.field(name="IPAddress", default="")
    networks: dict[str, _Network | None] | None = msgspec.field(name="Networks", default=None)

    def ip(self) -> str:
        """Return the first IPv4 address, the default network's before the others; empty if there is none."""
        others = (network.address for _, network in sorted((self.networks or {}).items()) if network is not None)
        return next((address for address in (self.address, *others) if _is_v4(address)), "")


class _State(msgspec.Struct, rename="pascal"):
    started_at: str = ""


class _HealthCheck(msgspec.Struct, rename="pascal"):
    test: list[str] | None = None


class _Config(msgspec.Struct, rename="pascal"):
    image: str = ""
    labels: dict[str, str] | None = None
    healthcheck: _HealthCheck | None = None

    def health_check(self) -> tuple[str, ...]:
        """Return the words of the health check; empty if there is none."""
        words = (None if self.healthcheck is None else self.healthcheck.test) or []
        return () if words == ["NONE"] else tuple(words)


class HostConfig(msgspec.Struct, rename="pascal"):
    """The member `HostConfig` of the API; the whole of `hostconfig.json`."""

    privileged: bool = False
    pid_mode: str = ""
    ipc_mode: str = ""
    network_mode: str = ""
    cgroup_parent: str = ""


class _MountPoint(msgspec.Struct, rename="pascal"):
    source: str = ""
    destination: str = ""
    writable: bool = msgspec.field(name="RW", default=False)
    propagation: str = ""

    def mount(self, mode: str) -> Mount:
        """Return the mount in the common form."""
        return Mount(self.source, self.destination, mode, self.writable, self.propagation)


class _ApiMount(_MountPoint, rename="pascal"):
    mode: str = ""


class _FileMount(_MountPoint, rename="pascal"):
    relabel: str = ""


class Inspected(msgspec.Struct, rename="pascal"):
    """The document of `GET /containers/ID/json`."""

    id: str
    name: str = ""
    image: str = ""
    created: str = ""
    driver: str = ""
    state: _State | None = None
    config: _Config | None = None
    host_config: HostConfig | None = None
    mounts: list[_ApiMount] | None = None
    network_settings: _NetworkSettings | None = None

    def described(self) -> Described:
        """Return the container in the common form."""
        mounts = [mount.mount(mount.mode) for mount in self.mounts or ()]
        return _described(self, self.id, self.host_config or HostConfig(), mounts)


class Stored(msgspec.Struct, rename="pascal"):
    """The document `containers/ID/config.v2.json`."""

    id: str = msgspec.field(name="ID")
    name: str = ""
    image: str = ""
    created: str = ""
    driver: str = ""
    state: _State | None = None
    config: _Config | None = None
    mount_points: dict[str, _FileMount] | None = None
    network_settings: _NetworkSettings | None = None

    def described(self, host: HostConfig) -> Described:
        """Return the container in the common form; `host` is from the file beside this one."""
        mounts = [mount.mount(mount.relabel) for mount in (self.mount_points or {}).values()]
        return _described(self, self.id, host, mounts)


class InspectedImage(msgspec.Struct, rename="pascal"):
    """The document of `GET /images/ID/json`."""

    repo_tags: list[str] | None = None
    repo_digests: list[str] | None = None

    def names(self) -> ImageNames:
        """Return the engine's names of the image."""
        return ImageNames(tuple(self.repo_tags or ()), tuple(self.repo_digests or ()))


class Repositories(msgspec.Struct, rename="pascal"):
    """The document `image/DRIVER/repositories.json`: repository → reference → image id."""

    repositories: dict[str, dict[str, str]] = {}

    def names(self) -> dict[str, ImageNames]:
        """Return image id (without the hash's name) → the engine's names of the image."""
        found: dict[str, tuple[list[str], list[str]]] = {}
        for references in self.repositories.values():
            for reference, image_id in references.items():
                tags, digests = found.setdefault(_digits(image_id), ([], []))
                (digests if "@" in reference else tags).append(reference)
        return {image_id: ImageNames(tuple(tags), tuple(digests)) for image_id, (tags, digests) in found.items()}


class Listed(msgspec.Struct, rename="pascal"):
    """An element of `GET /containers/json`."""

    id: str


class Actor(msgspec.Struct):
    """The container that an engine event is about; the attributes are its labels, its name and its image."""

    id: str = msgspec.field(name="ID", default="")
    attributes: dict[str, str] = msgspec.field(name="Attributes", default_factory=dict)


class EngineEvent(msgspec.Struct):
    """A line of `GET /events`."""

    action: str = msgspec.field(name="Action", default="")
    actor: Actor = msgspec.field(name="Actor", default_factory=Actor)
    time: int = msgspec.field(name="timeNano", default=0)

    def metadata(self) -> ContainerMetadata:
        """Return the facts in the event itself: enough to name a container that is gone before it could be looked
        up."""
        labels = dict(self.actor.attributes)
        name, reference = labels.pop("name", None), labels.pop("image", None)
        image = Image() if reference is None else identify(reference, "", ImageNames())
        return ContainerMetadata(
            full_id=self.actor.id,
            name=name,
            image=reference,
            repository=image.repository or None,
            tag=image.tag or None,
            digest=image.digest or None,
            labels=labels,
        )


def _described(found: Inspected | Stored, full_id: str, host: HostConfig, mounts: Iterable[Mount]) -> Described:
    config = found.config or _Config()
    return Described(
        full_id=full_id,
        name=found.name.removeprefix("/"),
        image=config.image,
        image_id=_digits(found.image),
        labels=config.labels or {},
        privileged=host.privileged,
        pid_mode=host.pid_mode,
        ipc_mode=host.ipc_mode,
        network_mode=host.network_mode,
        mounts=tuple(sorted(mounts, key=lambda mount: mount.dest)),
        ip=(found.network_settings or _NetworkSettings()).ip(),
        created=nanoseconds(found.created),
        started=nanoseconds((found.state or _State()).started_at),
        cgroup_parent=host.cgroup_parent,
        driver=found.driver,
        healthcheck=config.health_check(),
    )


def nanoseconds(text: str) -> int:
    """Return an RFC 3339 time with up to nine decimals as ns since the epoch; 0 for the engine's zero time and for no
    time."""
    whole, _, rest = text.rstrip("Z").partition(".")
    try:
        seconds = int(datetime.fromisoformat(f"{whole}+00:00").timestamp())
        fraction = int(rest[:9].ljust(9, "0")) if rest else 0
    except ValueError:
        return 0
    return seconds * 1_000_000_000 + fraction if seconds > 0 else 0


def _digits(image_id: str) -> str:
    return image_id.rpartition(":")[2]


def _is_v4(address: str) -> bool:
    try:
        return isinstance(ip_address(address), IPv4Address)
    except ValueError:
        return False
