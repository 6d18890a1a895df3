"""The record of a container in podman's database, as far as mozu reads it
(libpod/{container_config,container,pod}.go)."""

from datetime import datetime
from typing import Final

import msgspec

from mozu.plugins.enrichers.containers.cni_results import first_ipv4

_NEVER: Final = 1
"""Year of a time that Go has not set."""


class _HealthCheck(msgspec.Struct):
    test: list[str] | None = msgspec.field(name="Test", default=None)


class _Config(msgspec.Struct):
    labels: dict[str, str] | None = None
    pod: str = ""
    healthcheck: _HealthCheck | None = None


class _Subnet(msgspec.Struct):
    ipnet: str = ""


class _Interface(msgspec.Struct):
    subnets: list[_Subnet] | None = None


class _Network(msgspec.Struct):
    interfaces: dict[str, _Interface] | None = None


class _State(msgspec.Struct):
    started: datetime | None = msgspec.field(name="startedTime", default=None)
    networks: dict[str, _Network] | None = msgspec.field(name="networkStatus", default=None)


class _Pod(msgspec.Struct):
    id: str = ""
    name: str = ""
    labels: dict[str, str] | None = None


class _PodState(msgspec.Struct):
    infra: str = msgspec.field(name="InfraContainerID", default="")


class PodmanRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The record of one container."""

    labels: dict[str, str]
    ip: str
    """First IPv4 address; empty if the container has none of its own, or no network yet."""
    started: int
    """Start time, ns since the epoch; 0 before the start."""
    healthcheck: tuple[str, ...]
    """Words of the health check; empty without one."""
    pod_id: str
    """Id of the pod; empty outside pods, like the next two."""
    pod_name: str
    infra_id: str
    """Id of the container that holds the pod's namespaces; empty if the pod has none."""


def decode_record(config: bytes, state: bytes, pod: bytes, pod_state: bytes) -> PodmanRecord:
    """Return the record made from these JSON documents. Raises msgspec.DecodeError."""
    found, now, its_pod = _decode_config(config), _decode_state(state), _decode_pod(pod)
    started = now.started
    return PodmanRecord(
        labels=found.labels or {},
        ip=_address(now),
        started=0 if started is None or started.year == _NEVER else int(started.timestamp() * 1_000_000_000),
        healthcheck=tuple((None if found.healthcheck is None else found.healthcheck.test) or ()),
        pod_id=found.pod or its_pod.id,
        pod_name=its_pod.name,
        infra_id=_decode_pod_state(pod_state).infra,
    )


def _address(state: _State) -> str:
    networks = [network for _, network in sorted((state.networks or {}).items())]
    interfaces = [one for network in networks for _, one in sorted((network.interfaces or {}).items())]
    return first_ipv4(subnet.ipnet for one in interfaces for subnet in one.subnets or ())


_decode_config = msgspec.json.Decoder(_Config).decode
_decode_state = msgspec.json.Decoder(_State).decode
_decode_pod = msgspec.json.Decoder(_Pod).decode
_decode_pod_state = msgspec.json.Decoder(_PodState).decode
