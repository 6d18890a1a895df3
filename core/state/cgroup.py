"""Container id and runtime of a process, from its cgroup paths alone.

Live, paths are matched by what container runtimes are known to write; the innermost container counts, with all cgroups
below its own. A bare `/NAMESPACE/ID` is containerd's if the namespace is one of its usual ones, or if its state
directory has that task (machines live in paths of that shape). The processes of a recording are matched as Falco does
it (`recorded_cgroup.py`), so that old recordings keep their meaning.

A path is a name, chosen by its maker. Live, a container is proven if its cgroup was made by root, and not from inside
another container. Any other is a claim (`Container.claim`).
"""

import re
from collections.abc import Iterable
from functools import cached_property
from typing import Final

import msgspec

from mozu.core.caches import cached
from mozu.core.common.cgroup_makers import ROOT, CgroupMakers
from mozu.core.model.event import Claim, Container
from mozu.core.state.containerd_tasks import has_task
from mozu.core.state.recorded_cgroup import recorded_container

KNOWN_NAMESPACES: Final = frozenset({"default", "k8s.io", "moby", "buildkit", "nerdctl"})

_ID: Final = r"(?P<id>[0-9a-fA-F]{64})"
_POD: Final = r"pod(?:[0-9a-f]{8}(?:[-_][0-9a-f]{4}){3}[-_][0-9a-f]{12}|[0-9a-f]{32})"
_NAME: Final = r"[A-Za-z0-9]+(?:[._-][A-Za-z0-9]+)*"
_END: Final = r"(?:\.scope)?(?:/container)?(?:/|$)"
_UNITS: Final = (".service", ".slice", ".scope")

Rule = tuple[str, re.Pattern[str]]


class _Rules:
    """Runtimes with patterns, compiled when the first path is matched."""

    def __init__(self, *pairs: tuple[str, str]) -> None:
        self._pairs = pairs

    @cached_property
    def compiled(self) -> tuple[Rule, ...]:
        """The pairs of runtime and compiled pattern, in order."""
        return tuple((runtime, re.compile(pattern)) for runtime, pattern in self._pairs)


_LIVE: Final = _Rules(
    ("podman", rf"(?:^|/)libpod-(?P<monitor>conmon-)?(?:payload-)?{_ID}{_END}"),
    ("cri-o", rf"(?:^|/)crio-(?P<monitor>conmon-)?{_ID}{_END}"),
    ("containerd", rf"(?:^|/)cri-containerd-{_ID}\.scope(?:/|$)"),
    ("containerd", rf":cri-containerd:{_ID}(?:/|$)"),
    ("containerd", rf"(?:^|/)nerdctl-{_ID}\.scope(?:/|$)"),
    ("docker", rf"(?:^|/)docker-{_ID}\.scope(?:/|$)"),
    ("docker", rf"(?:^|/)docker/(?:buildkit/)?{_ID}(?:/|$)"),
    ("buildkit", r"(?:^|/)(?:docker/)?buildkit/(?P<id>[0-9a-z]{25})(?:/|$)"),
    ("buildkit", r"(?:^|/)(?:docker|buildkit)-(?P<id>[0-9a-z]{25})\.scope(?:/|$)"),
    ("k8s", rf"(?:^|/)kubepods(?:/(?:burstable|besteffort))?/{_POD}/{_ID}(?:/|$)"),
    ("ecs", r"(?:^|/)ecs/(?:[^/]+/)?[0-9a-f]{32}/(?P<id>[0-9a-f]{32}-\d+|[0-9a-f]{64})(?:/|$)"),
    ("garden", r"(?:^|/)garden/(?P<id>[0-9a-f-]{28,36})(?:/|$)"),
    ("containerd", rf"(?:^|/)(?:k8s\.io|nerdctl|default|buildkit)/{_ID}(?:/|$)"),
    ("docker", rf"/{_ID}$"),
    ("docker", rf"^/{_ID}/"),
    ("libvirt-lxc", r"/libvirt/lxc/(?P<id>[^/]+)"),
    ("libvirt-lxc", r"/(?P<id>[^/]+)\.libvirt-lxc(?:/|$)"),
    ("libvirt-lxc", r"(?:^|/)machine-lxc\\x2d\d+\\x2d(?P<id>[^/]+)\.scope(?:/|$)"),
    ("libvirt-lxc", r"-lxc\\x2d(?P<id>[^/]+)\.scope(?:/libvirt)?$"),
    (
        "systemd-nspawn",
        r"(?:^|/)machine\.slice/(?:systemd-nspawn@|machine-(?!qemu\\x2d|lxc\\x2d|libpod))(?P<id>[^/]+?)"
        r"\.(?:service|scope)(?P<monitor>/supervisor)?(?:/|$)",
    ),
    ("lxc", r"(?:^|/)lxc(?P<monitor>\.monitor)(?:[./](?P<id>[^/]+)|$)"),
    ("lxc", r"(?:^|/)lxc(?:\.payload)?[./](?!monitor\b|payload\b|pivot\b)(?P<id>[^/]+)"),
    ("bpm", r"bpm-(?P<id>[A-Za-z0-9._-]+)\.scope"),
)
_BARE: Final = re.compile(rf"(?:^|(?<=/))(?P<namespace>{_NAME})/(?P<id>{_NAME})(?=/|$)")


class Named(msgspec.Struct, frozen=True):
    """A container that a cgroup path names, and the path of its own cgroup."""

    container: Container
    place: str


def match(path: str, namespaces: frozenset[str] | None = KNOWN_NAMESPACES) -> Container | None:
    """Return the container that a cgroup path names; None if it names none. `namespaces` None: a recording, matched as
    Falco matches it."""
    found = named(path, namespaces)
    return None if found is None else found.container


@cached(4096)
def named(path: str, namespaces: frozenset[str] | None = KNOWN_NAMESPACES) -> Named | None:
    """Return the container that a cgroup path names, with the path of its own cgroup; None if it names none."""
    if namespaces is None:
        found = recorded_container(path)
        return None if found is None else Named(found, path)
    if path.startswith("/../"):  # seen from inside another cgroup namespace
        path = "/" + path.lstrip("/.")
    innermost = _innermost(path)
    if innermost is None:
        return _bare(path, 0, namespaces)
    runtime, parts = innermost
    if parts.groupdict().get("monitor"):  # what holds a container is outside of it
        outside = path[: parts.start()]
        return named(outside, namespaces) if outside else None
    end = parts.end("id")
    return _bare(path, end, namespaces) or Named(Container(parts["id"], runtime), _through(path, end))


def _innermost(path: str) -> tuple[str, re.Match[str]] | None:
    """Return the runtime and match that begin last in the path, of the first such rule; None if no rule matches."""
    best: tuple[str, re.Match[str]] | None = None
    for runtime, rule in _LIVE.compiled:
        at = 0
        while (found := rule.search(path, at)) is not None:
            if best is None or found.start("id") > best[1].start("id"):
                best = runtime, found
            at = found.start() + 1
    return best


def _bare(path: str, begin: int, namespaces: frozenset[str]) -> Named | None:
    """Return containerd's container whose path shows only namespace and id, after position `begin`; None if there is
    none."""
    whole = _BARE.fullmatch(path, begin + 1)
    if whole is not None and whole["namespace"] in namespaces and not path.endswith(_UNITS):
        return Named(Container(whole["id"], "containerd"), path)
    at = begin
    while (found := _BARE.search(path, at)) is not None:
        if has_task(found["namespace"], found["id"]):
            return Named(Container(found["id"], "containerd"), path[: found.end()])
        at = found.start() + 1
    return None


def _through(path: str, end: int) -> str:
    """Return the path up to the end of the component that contains position `end`."""
    slash = path.find("/", end)
    return path if slash < 0 else path[:slash]


def container_of(
    cgroups: tuple[tuple[str, str], ...],
    namespaces: frozenset[str] | None = KNOWN_NAMESPACES,
    makers: CgroupMakers | None = None,
) -> Container | None:
    """Return the container of a process with these (subsystem, path) pairs: the first that a path names. With `makers`
    the first that is proven, and otherwise the first as a claim."""
    return _first(cgroups, namespaces) if makers is None else _proven(cgroups, namespaces, makers)


@cached(4096)
def _first(cgroups: tuple[tuple[str, str], ...], namespaces: frozenset[str] | None) -> Container | None:
    return next(filter(None, (match(path, namespaces) for path in _distinct(cgroups))), None)


def _proven(
    cgroups: Iterable[tuple[str, str]], namespaces: frozenset[str] | None, makers: CgroupMakers
) -> Container | None:
    claimed: Container | None = None
    for subsystem, path in dict.fromkeys(cgroups):
        found = named(path, namespaces)
        if found is None:
            continue
        container = _judged(subsystem, found, namespaces, makers)
        if container.claim is None:
            return container
        claimed = claimed or container
    return claimed


def _judged(subsystem: str, found: Named, namespaces: frozenset[str] | None, makers: CgroupMakers) -> Container:
    """Return the container, as a claim unless root made its cgroup outside of any other container."""
    outside = named(found.place.rpartition("/")[0], namespaces)
    outer = None if outside is None else _judged(subsystem, outside, namespaces, makers)
    maker = makers.of(subsystem, found.place)
    if outer is None and maker == ROOT:
        return found.container
    return msgspec.structs.replace(found.container, claim=Claim(found.place, maker, outer))


def _distinct(cgroups: Iterable[tuple[str, str]]) -> Iterable[str]:
    return dict.fromkeys(path for _, path in cgroups)
