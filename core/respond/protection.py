"""Processes that are never acted on, and those that an operator allows.

pid 1, kernel threads and mozu itself are never acted on. Runtimes, the kubelet, sshd and the ancestors of mozu are not
either, unless they are named twice: in `respond.unprotect` and in the responder's own `unprotect`.

A file proves nothing about the code in a process: any user may run dbus-daemon with a library of their own. An
executable therefore counts only if root alone can have started the process: it runs as root, in the initial namespaces
and in no container, or as a system service in the cgroup that systemd makes for that service, which no user can enter.
A process of an ordinary user is spared by no executable, not even a session's own dbus-daemon or systemd.

Executables are held open from the start (held_executables.py); no process is spared by name alone.
"""

import os
import pwd
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path, PurePath
from typing import Final

import msgspec

from mozu.core.api.responders import AlertProcess
from mozu.core.common.cgroup_control import cgroups_of
from mozu.core.respond.foreign_code import foreign_code
from mozu.core.respond.held_executables import Identity, held_executables
from mozu.core.respond.process_facts import PROC, ProcessFacts, executable_of, process_facts
from mozu.core.respond.settings import RespondSettings
from mozu.core.state.cgroup import container_of

_FOLDERS: Final = ("/usr/bin", "/usr/sbin", "/bin", "/sbin", "/usr/local/bin", "/usr/local/sbin", "/usr/libexec")
_NAMES: Final = (
    "dockerd", "docker-proxy", "containerd", "containerd-shim", "containerd-shim-runc-v2", "runc", "crun", "crio",
    "conmon", "podman", "buildkitd", "kubelet", "k3s", "sshd", "dropbear", "systemd", "systemd-journald",
    "systemd-logind", "systemd-udevd", "dbus-daemon",
)  # fmt: skip
_ELSEWHERE: Final = (
    "/usr/lib/systemd/systemd", "/lib/systemd/systemd", "/usr/lib/systemd/systemd-journald",
    "/usr/lib/systemd/systemd-logind", "/usr/lib/systemd/systemd-udevd", "/usr/libexec/podman/conmon",
    "/usr/lib/podman/conmon", "/snap/microk8s/current/kubelite",
)  # fmt: skip
_SSH: Final = tuple(
    f"/usr/{folder}/{name}"
    for folder in ("lib/openssh", "libexec/openssh", "lib/ssh", "libexec/ssh")
    for name in ("sshd-session", "sshd-auth")
)
"""Programs that sshd executes for a connection since OpenSSH 9.8."""
_KUBERNETES: Final = tuple(
    f"{folder}/{name}"
    for folder in ("/var/lib/rancher/k3s/data/current/bin", "/var/lib/rancher/rke2/bin", "/opt/bin",
                   "/home/kubernetes/bin", "/snap/docker/current/bin")
    for name in ("k3s", "kubelet", "dockerd", "containerd", "containerd-shim-runc-v2", "runc")
)  # fmt: skip
"""Paths of distributions that install these programs outside of packages."""
PROTECTED: Final = (
    *(f"{folder}/{name}" for folder in _FOLDERS for name in _NAMES), *_ELSEWHERE, *_SSH, *_KUBERNETES,
)  # fmt: skip
"""Runtimes, the kubelet, sshd, and the parts of systemd that a machine depends on."""
_SERVICES: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "dbus-daemon": ("/system.slice/dbus.service", ("messagebus", "dbus")),
}
"""Cgroup of the service that runs an executable under a user other than root, and names of that user, by executable."""
_SYSTEMD: Final = ("", "name=systemd")
"""Hierarchies in which systemd keeps services: of version 2, of version 1."""
_DEPTH: Final = 64
"""Most ancestors of mozu that are followed."""


class Allowed(msgspec.Struct, frozen=True):
    """Exceptions by an operator: never acted on."""

    executables: tuple[str, ...] = ()
    """Paths on the host."""
    containers: tuple[str, ...] = ()
    """Ids (or their beginning), names, images."""
    namespaces: tuple[str, ...] = ()
    """Namespaces of Kubernetes."""
    users: tuple[int, ...] = ()


_NONE: Final = Allowed()


class Protection:
    """The protected processes as of one start or reload.

    Executables are opened once: a file that replaces one later protects no process.
    """

    def __init__(
        self,
        allowed: Allowed = _NONE,
        *,
        unprotected: Iterable[str] = (),
        protected: Iterable[str] = PROTECTED,
        own: int | None = None,
        proc: Path = PROC,
    ) -> None:
        """Open the executables. `unprotected`: paths of `respond.unprotect`. `own`: mozu's process id."""
        self._allowed, self._proc = allowed, proc
        self._own = os.getpid() if own is None else own
        mozu = process_facts(self._own, proc)
        self._user = 0 if mozu is None else mozu.uid
        self._supervisors = {facts.pid: facts.start for facts in self._ancestors(mozu)}
        self._protected = {one.identity: one for one in held_executables(protected)}
        self._spared = {one.identity: one for one in held_executables(allowed.executables)}
        self._once = {one.identity for one in held_executables(unprotected)}

    def _ancestors(self, facts: ProcessFacts | None) -> Iterator[ProcessFacts]:
        for _ in range(_DEPTH):
            if facts is None or facts.parent <= 1:
                return
            facts = process_facts(facts.parent, self._proc)
            if facts is not None:
                yield facts

    def refusal(self, facts: ProcessFacts, unprotect: Iterable[str] = ()) -> str:
        """Return the reason for which this process is not acted on; empty if it may be. `unprotect`: the responder's
        setting."""
        return self._of_process(facts) or self._of_origin(facts, unprotect)

    def _of_process(self, facts: ProcessFacts) -> str:
        """Return the reason that holds for any executable."""
        if facts.pid == 1:
            return "process 1 is never acted on"
        if facts.is_kernel_thread or facts.pid == 2:
            return f"kernel thread {facts.pid} ({facts.name}) is never acted on"
        if facts.pid == self._own or facts.parent == self._own:
            return "mozu never acts on itself"
        if facts.uid in self._allowed.users:
            return f"user {facts.uid} is allowed"
        return ""

    def _of_origin(self, facts: ProcessFacts, unprotect: Iterable[str]) -> str:
        """Return the reason by the process's executable, which counts only if root alone can have started the
        process."""
        has_started_mozu = self._supervisors.get(facts.pid) == facts.start and facts.uid in (0, self._user)
        service = _service_of(facts, self._proc)
        is_roots = facts.is_roots and facts.is_of_host and container_of(cgroups_of(facts.pid, self._proc)) is None
        if not (has_started_mozu or is_roots or service):
            return ""
        found = executable_of(facts, self._proc)
        if self._is_unprotected(found, unprotect):
            return self._of_allowed(facts, found) if is_roots else ""
        if has_started_mozu:
            return f"process {facts.pid} ({facts.name}) is one that mozu was started by"
        if found is None:
            return f"what process {facts.pid} ({facts.name}) runs cannot be looked at"
        protected = self._protected.get(found)
        if protected is not None and (is_roots or PurePath(protected.path).name == service):
            is_its_own = not self._has_foreign_code(facts)
            return f"process {facts.pid} runs {protected.path}, which is protected" if is_its_own else ""
        return self._of_allowed(facts, found) if is_roots else ""

    def _of_allowed(self, facts: ProcessFacts, found: Identity | None) -> str:
        spared = None if found is None else self._spared.get(found)
        return "" if spared is None or self._has_foreign_code(facts) else f"executable {spared.path} is allowed"

    def _has_foreign_code(self, facts: ProcessFacts) -> bool:
        return bool(foreign_code(facts, of_service=not facts.is_roots, proc=self._proc))

    def _is_unprotected(self, found: Identity | None, unprotect: Iterable[str]) -> bool:
        """Return True if the executable is named in both settings."""
        return found in self._once and any(one.identity == found for one in held_executables(unprotect))

    def executables_in_kernel(self) -> dict[Identity, int]:
        """Return the protected executables by device and inode, as programs in the kernel see them, with the user that
        may run each besides root (0: none)."""
        users = {held: _user_of(PurePath(held.path).name) for held in self._protected.values()}
        users |= dict.fromkeys(self._spared.values(), 0)
        return {held.in_kernel: user for held, user in users.items() if held.in_kernel is not None}

    def spared_pids(self) -> dict[int, int]:
        """Return the present processes that are not acted on, with their start (`ProcessFacts.start`).

        Kernel threads are left out, because the kernel recognizes them.
        """
        found = (process_facts(int(one.name), self._proc) for one in self._proc.iterdir() if one.name.isdecimal())
        return {
            facts.pid: facts.start
            for facts in found
            if facts is not None and not facts.is_kernel_thread and self.refusal(facts)
        }

    def container_refusal(self, subject: AlertProcess, names: Iterable[str], namespace: str) -> str:
        """Return the reason for which processes of this container are not acted on, or an empty text. `names`: an
        enricher's name, image and id of a container that root has made; a proven id counts without an enricher."""
        if subject.container is None:
            return ""
        known, proven = set(names), subject.container.proven
        ids = tuple(known if proven is None else {*known, proven.full_id})
        for one in self._allowed.containers:
            if one in known or (len(one) >= 12 and any(full_id.startswith(one) for full_id in ids)):
                return f"container {one} is allowed"
        return f"namespace {namespace} is allowed" if namespace in self._allowed.namespaces else ""


def protection_of(settings: RespondSettings) -> Protection:
    """Return the protection as of now."""
    allow = settings.allow
    return Protection(
        Allowed(tuple(map(str, allow.executables)), allow.containers, allow.namespaces, allow.users),
        unprotected=map(str, settings.unprotect),
    )


def _service_of(facts: ProcessFacts, proc: Path) -> str:
    """Return the executable that the process may run as a system service, by its cgroup and user; empty if none."""
    if facts.is_roots or not facts.is_of_host:
        return ""
    paths = dict(cgroups_of(facts.pid, proc))
    for name, (cgroup, _) in _SERVICES.items():
        user = _user_of(name)
        if user and facts.runs_as(user) and cgroup in (paths.get(hierarchy) for hierarchy in _SYSTEMD):
            return name
    return ""


@cache
def _user_of(name: str) -> int:
    """Return the user that runs this executable as a system service; 0 for root alone."""
    for user in _SERVICES.get(name, ("", ()))[1]:
        with suppress(KeyError):
            return pwd.getpwnam(user).pw_uid
    return 0
