"""Commands of the kubelet's probes, which no runtime knows: from the pod as `kubectl apply` noted it down."""

from collections.abc import Mapping
from typing import Final

import msgspec

APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"
"""The annotation with the manifest, as JSON."""


class _Exec(msgspec.Struct):
    command: list[str] | None = None


class _Probe(msgspec.Struct):
    exec: _Exec | None = None


class _Container(msgspec.Struct, rename="camel"):
    name: str = ""
    liveness_probe: _Probe | None = None
    readiness_probe: _Probe | None = None


class _PodSpec(msgspec.Struct):
    containers: list[_Container] | None = None


class _Manifest(msgspec.Struct):
    spec: _PodSpec | None = None


class KubeletProbes(msgspec.Struct, frozen=True):
    """The commands for one container. None: not known; empty: no probe runs a command."""

    liveness: tuple[str, ...] | None = None
    readiness: tuple[str, ...] | None = None


def probes_of(annotations: Mapping[str, str], container: str) -> KubeletProbes:
    """Return the probes of a container from the annotations of its pod."""
    applied = annotations.get(APPLIED)
    if applied is None:
        return KubeletProbes()
    try:
        spec = _decode(applied).spec
    except msgspec.DecodeError:
        return KubeletProbes()
    for one in (None if spec is None else spec.containers) or ():
        if one.name == container:
            return KubeletProbes(_command(one.liveness_probe), _command(one.readiness_probe))
    return KubeletProbes()


def _command(probe: _Probe | None) -> tuple[str, ...]:
    command = None if probe is None or probe.exec is None else probe.exec.command
    return tuple(command or ())


_decode = msgspec.json.Decoder(_Manifest).decode
