"""Container id and runtime of a recorded process from one of its cgroup paths, as Falco's container plugin reads it.

The engines try a path in a fixed order, and the first that finds an id wins. Prefix and suffix are each searched from
the end of the path, and the text between them is the id: the suffix need not end the path. Paths of several hierarchies
are read one after the other, in the order in which they were recorded (falcosecurity/plugins, `plugins/container`,
version 0.7.1).
"""

import re
from typing import Final

from mozu.core.model.event import Container

_ID_LENGTH: Final = 64
_HEX: Final = re.compile(r"[0-9a-fA-F]*")
_BETWEEN: Final = (
    ("podman", "/libpod-", ".scope"),
    ("podman", "/libpod-", ".scope/container"),
    ("podman", "/libpod-", ""),
    ("podman", "/libpod-payload-", ".scope"),
    ("podman", "/libpod-payload-", ".scope/container"),
    ("podman", "/libpod-payload-", ""),
    ("docker", "/", ""),
    ("docker", "/docker-", ".scope"),
    ("cri-o", "/crio-", ""),
    ("containerd", "/cri-containerd-", ".scope"),
    ("cri-o", "/crio-", ".scope"),
    ("containerd", ":cri-containerd:", ""),
)
"""(runtime, prefix, suffix) triples."""
_NAMESPACE: Final = re.compile(r"/[A-Za-z0-9]+(?:[._-][A-Za-z0-9]+)*/")
_UNITS: Final = (".service", ".slice", ".scope")
_LXC: Final = ("/lxc/", "/lxc.payload/", "/lxc.payload.")
_LIBVIRT: Final = "-lxc\\x2d"
"""Separator between the name of the machine and that of its container, as systemd escapes `-lxc-`."""
_BPM: Final = re.compile(r"[A-Za-z0-9._-]+")


def recorded_container(path: str) -> Container | None:
    """Return the container that a recorded cgroup path names; None if it names none."""
    for runtime, prefix, suffix in _BETWEEN:
        start, end = path.rfind(prefix), path.rfind(suffix)
        if start >= 0 <= end and _is_id(path, start + len(prefix), end):
            return Container(path[start + len(prefix) : end], runtime)
    for engine in (_containerd, _lxc, _libvirt_lxc, _bpm):
        found = engine(path)
        if found is not None:
            return found if found.full_id else None
    return None


def _is_id(path: str, start: int, end: int) -> bool:
    """Return True if this part has 64 characters, which are hexadecimal as far as they are among the first 64 of the
    path."""
    digits = _HEX.match(path, start)
    last = 0 if digits is None else digits.end()
    return end - start == _ID_LENGTH and (last >= _ID_LENGTH or last == len(path))


def _containerd(path: str) -> Container | None:
    """Return the container whose id follows the first part that could be a namespace, unless the path ends in a systemd
    unit; None if there is none."""
    namespace = _NAMESPACE.search(path)
    if namespace is None:
        return None
    start = path.rfind(namespace[0]) + len(namespace[0])
    if _is_id(path, start, len(path)):
        return Container(path[start:], "containerd")
    short = 0 < len(path) - start <= _ID_LENGTH
    return Container(path[start:], "containerd") if short and not path.endswith(_UNITS) else None


def _lxc(path: str) -> Container | None:
    for prefix in _LXC:
        _, found, rest = path.partition(prefix)
        if found:
            return Container(rest.partition("/")[0], "lxc")
    return None


def _libvirt_lxc(path: str) -> Container | None:
    name, _, rest = path.partition(".libvirt-lxc")
    if name != path and not rest and "/" in name:
        return Container(name.rpartition("/")[2], "libvirt-lxc")
    machine, _, rest = path.partition(_LIBVIRT)
    end = ".scope/libvirt" if ".scope/libvirt" in path else ".scope"
    if machine != path and rest.endswith(end) and path.count(end) == 1:
        return Container(rest.removesuffix(end), "libvirt-lxc")
    _, found, name = path.partition("/libvirt/lxc/")
    return Container(name, "libvirt-lxc") if found else None


def _bpm(path: str) -> Container | None:
    ident = path.partition("bpm-")[2].partition(".scope")[0]
    return Container(ident, "bpm") if _BPM.fullmatch(ident) else None
