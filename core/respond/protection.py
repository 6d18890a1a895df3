"""What is never acted on, and what an operator allows besides.

pid 1, kernel threads and mozu itself are never acted on. Runtimes, the kubelet, sshd and what mozu was started by are
not, unless they are named twice: in `respond.unprotect` and in the responder's own `unprotect`. Executables are known
by device and inode, as they were at the start; by name alone no process is spared, since anyone can take a name.

Anyone can start dbus-daemon, too, in a group or a cgroup of its own. A process beside that of the alert is protected
only where root runs it, or a process of root that is protected has made it (the sshd of a session, which has the
user's id).
"""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from mozu.core.api.responders import AlertProcess
from mozu.core.respond.process_facts import PROC, Executable, ProcessFacts, executable, process_facts
from mozu.core.respond.settings import RespondSettings

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
"""What sshd executes for a connection since OpenSSH 9.8."""
_KUBERNETES: Final = tuple(
    f"{folder}/{name}"
    for folder in ("/var/lib/rancher/k3s/data/current/bin", "/var/lib/rancher/rke2/bin", "/opt/bin",
                   "/home/kubernetes/bin", "/snap/docker/current/bin")
    for name in ("k3s", "kubelet", "dockerd", "containerd", "containerd-shim-runc-v2", "runc")
)  # fmt: skip
"""Distributions that have these where no package puts them."""
PROTECTED: Final = (
    *(f"{folder}/{name}" for folder in _FOLDERS for name in _NAMES), *_ELSEWHERE, *_SSH, *_KUBERNETES,
)  # fmt: skip
"""Runtimes, the kubelet, sshd, and the parts of systemd that a machine does not live without."""
_DEPTH: Final = 64
"""Ancestors of mozu that are followed."""


class Allowed(msgspec.Struct, frozen=True):
    """What an operator never wants to be acted on."""

    executables: tuple[str, ...] = ()
    """Paths on the host."""
    containers: tuple[str, ...] = ()
    """Ids (or their beginning), names, images."""
    namespaces: tuple[str, ...] = ()
    """Of Kubernetes."""
    users: tuple[int, ...] = ()


_NONE: Final = Allowed()


class Protection:
    """As of one start or reload. Executables are looked at once, so that a file put there later protects none."""

    def __init__(
        self,
        allowed: Allowed = _NONE,
        *,
        unprotected: Iterable[str] = (),
        protected: Iterable[str] = PROTECTED,
        own: int | None = None,
        proc: Path = PROC,
    ) -> None:
        """`unprotected`: named in `respond.unprotect`. `own`: mozu's process id."""
        self._allowed, self._proc = allowed, proc
        self._own = os.getpid() if own is None else own
        mozu = process_facts(self._own, proc)
        self._host = "" if mozu is None else mozu.mount_namespace
        self._supervisors = {facts.pid: facts.start for facts in self._ancestors(mozu)}
        self._protected = {one.identity: path for path, one in _executables(protected)}
        self._spared = {one.identity: path for path, one in _executables(allowed.executables)}
        self._once = {one.identity for _, one in _executables(unprotected)}

    def _ancestors(self, facts: ProcessFacts | None) -> Iterator[ProcessFacts]:
        for _ in range(_DEPTH):
            if facts is None or facts.parent <= 1:
                return
            facts = process_facts(facts.parent, self._proc)
            if facts is not None:
                yield facts

    def refusal(
        self, facts: ProcessFacts, unprotect: Iterable[str] = (), *, is_subject: bool = True, ran: str = ""
    ) -> str:
        """Why this process is not acted on; empty: it may be. `unprotect`: of the responder. `is_subject`: the alert is
        about it; false for the others of its group, its cgroup or its container. `ran`: the path of the executable that
        it ran at the event, where that is known."""
        unprotected = self._is_unprotected(facts.executable, unprotect)
        reason = self._of_process(facts, unprotected=unprotected)
        if reason:
            return reason
        if ran and facts.exepath != ran and facts.uid != 0:
            return ""  # since the event it has executed another program: one that is spared would shield any process
        return self._of_executable(facts, unprotected=unprotected, is_subject=is_subject)

    def _of_process(self, facts: ProcessFacts, *, unprotected: bool) -> str:
        """Whatever it runs."""
        if facts.pid == 1:
            return "process 1 is never acted on"
        if facts.is_kernel_thread or facts.pid == 2:
            return f"kernel thread {facts.pid} ({facts.name}) is never acted on"
        if facts.pid == self._own or facts.parent == self._own:
            return "mozu never acts on itself"
        if self._supervisors.get(facts.pid) == facts.start and not unprotected:
            return f"process {facts.pid} ({facts.name}) is one that mozu was started by"
        if facts.uid in self._allowed.users:
            return f"user {facts.uid} is allowed"
        return ""

    def _of_executable(self, facts: ProcessFacts, *, unprotected: bool, is_subject: bool) -> str:
        found = facts.executable
        if found is None:
            return f"what process {facts.pid} ({facts.name}) runs cannot be looked at"
        path = self._protected.get(found.identity)
        if path is not None and not unprotected and _is_trusted(found) and (is_subject or self._is_roots(facts)):
            return f"process {facts.pid} runs {path}, which is protected"
        spared = self._spared.get(found.identity)
        if spared is not None and _is_trusted(found) and facts.mount_namespace == self._host:
            return f"executable {spared} is allowed"
        return ""

    def _is_roots(self, facts: ProcessFacts) -> bool:
        """Root runs it, or a protected process of root has made it."""
        if facts.uid == 0:
            return True
        parent = process_facts(facts.parent, self._proc)
        if parent is None or parent.uid != 0 or parent.executable is None:
            return False
        return parent.executable.identity in self._protected

    def _is_unprotected(self, found: Executable | None, unprotect: Iterable[str]) -> bool:
        """Named twice."""
        return (
            found is not None
            and found.identity in self._once
            and any(found.identity == one.identity for _, one in _executables(unprotect))
        )

    def inodes(self) -> frozenset[int]:
        """Of executables of which a process may not be acted on."""
        return frozenset(inode for _, inode in (*self._protected, *self._spared))

    def spared_pids(self) -> dict[int, int]:
        """Processes that are not acted on, of those that are there now, with their start (`ProcessFacts.start`).
        Left out are kernel threads, and what is spared only as its executable cannot be read: the kernel sees it."""
        found = (process_facts(int(one.name), self._proc) for one in self._proc.iterdir() if one.name.isdecimal())
        return {
            facts.pid: facts.start
            for facts in found
            if facts is not None and not facts.is_kernel_thread and self._is_spared(facts)
        }

    def _is_spared(self, facts: ProcessFacts) -> bool:
        if facts.executable is None:
            return bool(self._of_process(facts, unprotected=False))
        return bool(self.refusal(facts))

    def container_refusal(self, subject: AlertProcess, names: Iterable[str], namespace: str) -> str:
        """Why what is in this container is not acted on. `names`: its name and image, as an enricher has them."""
        if subject.container is None:
            return ""
        known = set(names)
        for one in self._allowed.containers:
            if one in known or (len(one) >= 12 and subject.container.full_id.startswith(one)):
                return f"container {one} is allowed"
        return f"namespace {namespace} is allowed" if namespace in self._allowed.namespaces else ""


def protection_of(settings: RespondSettings) -> Protection:
    """As of now."""
    allow = settings.allow
    return Protection(
        Allowed(tuple(map(str, allow.executables)), allow.containers, allow.namespaces, allow.users),
        unprotected=map(str, settings.unprotect),
    )


def _executables(paths: Iterable[str]) -> Iterator[tuple[str, Executable]]:
    for path in paths:
        found = executable(Path(path))
        if found is not None:
            yield path, found


def _is_trusted(found: Executable) -> bool:
    """Only root could have put it there."""
    return found.owner == 0 and not found.others_write
