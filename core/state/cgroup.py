"""Container id and runtime of a process from its cgroup paths alone.

Live, paths are matched by what container runtimes are known to write, nested cgroups of a container included, and a
bare `/NAMESPACE/ID` only where the namespace is one of containerd's usual ones (machines live in paths of that shape).
The processes of a recording are matched as Falco does it, so that old recordings mean what they meant.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from mozu.core.model.event import Container

KNOWN_NAMESPACES: Final = frozenset({"default", "k8s.io", "moby", "buildkit", "nerdctl"})

_ID: Final = r"(?P<id>[0-9a-fA-F]{64})"
_POD: Final = r"pod(?:[0-9a-f]{8}(?:[-_][0-9a-f]{4}){3}[-_][0-9a-f]{12}|[0-9a-f]{32})"
_NAME: Final = r"[A-Za-z0-9]+(?:[._-][A-Za-z0-9]+)*"
_END: Final = r"(?:\.scope)?(?:/container)?(?:/|$)"
_UNITS: Final = (".service", ".slice", ".scope")

Rule = tuple[str, re.Pattern[str]]


def _rules(*pairs: tuple[str, str]) -> tuple[Rule, ...]:
    return tuple((runtime, re.compile(pattern)) for runtime, pattern in pairs)


_LIVE: Final = _rules(
    ("podman", rf"(?:^|/)libpod-(?P<monitor>conmon-)?(?:payload-)?{_ID}{_END}"),
    ("cri-o", rf"(?:^|/)crio-(?P<monitor>conmon-)?{_ID}{_END}"),
    ("containerd", rf"(?:^|/)cri-containerd-{_ID}\.scope(?:/|$)"),
    ("containerd", rf":cri-containerd:{_ID}(?:/|$)"),
    ("containerd", rf"(?:^|/)nerdctl-{_ID}\.scope(?:/|$)"),
    ("docker", rf"(?:^|/)docker-{_ID}\.scope(?:/|$)"),
    ("docker", rf"(?:^|/)docker/(?:buildkit/)?{_ID}(?:/|$)"),
    ("buildkit", r"(?:^|/)(?:docker/)?buildkit/(?P<id>[0-9a-z]{25})(?:/|$)"),
    ("k8s", rf"(?:^|/)kubepods(?:/(?:burstable|besteffort))?/{_POD}/{_ID}(?:/|$)"),
    ("ecs", r"(?:^|/)ecs/(?:[^/]+/)?[0-9a-f]{32}/(?P<id>[0-9a-f]{32}-\d+|[0-9a-f]{64})(?:/|$)"),
    ("garden", r"(?:^|/)garden/(?P<id>[0-9a-f-]{28,36})(?:/|$)"),
    ("docker", rf"/{_ID}$"),
    ("systemd-nspawn", r"(?:^|/)machine\.slice/(?:systemd-nspawn@|machine-)(?P<id>[^/]+?)\.(?:service|scope)(?:/|$)"),
    ("libvirt-lxc", r"/libvirt/lxc/(?P<id>[^/]+)"),
    ("lxc", r"(?:^|/)lxc(?:\.payload)?[./](?P<id>[^/]+)"),
    ("libvirt-lxc", r"/(?P<id>[^/]+)\.libvirt-lxc(?:/|$)"),
    ("libvirt-lxc", r"-lxc\\x2d(?P<id>.+)\.scope(?:/libvirt)?$"),
    ("bpm", r"bpm-(?P<id>[A-Za-z0-9._-]+)\.scope"),
    ("containerd", rf"^/(?P<namespace>{_NAME})/(?P<id>{_NAME})$"),
)
_RECORDED: Final = _rules(
    ("podman", rf"/libpod-(?:payload-)?{_ID}(?:\.scope(?:/container)?)?$"),
    ("docker", rf"/{_ID}$"),
    ("docker", rf"/docker-{_ID}\.scope$"),
    ("cri-o", rf"/crio-{_ID}(?:\.scope)?$"),
    ("containerd", rf"/cri-containerd-{_ID}\.scope$"),
    ("containerd", rf":cri-containerd:{_ID}$"),
    ("containerd", r"^/[^/]+/(?P<id>[^/]{1,64})$"),
    ("lxc", r"/lxc(?:/|\.payload[/.])(?P<id>[^/]+)"),
    ("libvirt-lxc", r"/(?P<id>[^/]+)\.libvirt-lxc$"),
    ("libvirt-lxc", r"-lxc\\x2d(?P<id>.+)\.scope(?:/libvirt)?$"),
    ("libvirt-lxc", r"/libvirt/lxc/(?P<id>[^/]+)"),
    ("bpm", r"bpm-(?P<id>[A-Za-z0-9._-]+)\.scope$"),
)


@lru_cache(maxsize=4096)
def match(path: str, namespaces: frozenset[str] | None = KNOWN_NAMESPACES) -> Container | None:
    """The container that a cgroup path belongs to, or None. `namespaces` None: a recording, matched as Falco
    matches it.
    """
    if path.startswith("/../"):  # seen from inside another cgroup namespace
        path = "/" + path.lstrip("/.")
    for runtime, rule in _RECORDED if namespaces is None else _LIVE:
        found = rule.search(path)
        if found is None:
            continue
        parts = found.groupdict()
        if parts.get("monitor"):
            return None
        if runtime == "containerd" and len(parts["id"]) != 64 and not _is_bare(path, parts, namespaces):
            continue
        return Container(parts["id"], runtime)
    return None


def _is_bare(path: str, parts: dict[str, str], namespaces: frozenset[str] | None) -> bool:
    return not path.endswith(_UNITS) and (namespaces is None or parts.get("namespace") in namespaces)


@lru_cache(maxsize=4096)
def container_of(
    cgroups: tuple[tuple[str, str], ...], namespaces: frozenset[str] | None = KNOWN_NAMESPACES
) -> Container | None:
    """The container of a process with these (subsystem, path) pairs: the first path that names one."""
    return next(filter(None, (match(path, namespaces) for path in _distinct(cgroups))), None)


def _distinct(cgroups: Iterable[tuple[str, str]]) -> Iterable[str]:
    return dict.fromkeys(path for _, path in cgroups)
