"""The responder `isolate`: nftables drops all traffic of a container, or a user's outgoing traffic, except for listed
networks.

A container with network namespaces of its own gets a table in each: one of its processes can create another namespace
and enter it (unshare(2)). A process on the host's network is matched by its user, whose outgoing packets are dropped;
not root's, which would be the machine's own. One `nft -f` is one transaction (nft(8)), and the table has a name of its
own, so that undoing it removes nothing else.
"""

import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from hashlib import blake2b
from ipaddress import IPv4Network, IPv6Network
from itertools import islice
from typing import Final

from pydantic import Field

from mozu.core.api import (
    AlertProcess,
    ChecksStart,
    Context,
    Incident,
    Obstacle,
    ResponderDeclaration,
    ResponderSettings,
    ResponsePlan,
    ResponseTarget,
    Scope,
    StatelessResponder,
    hookimpl,
)
from mozu.core.common.cgroup_control import cgroups_of, controlled_cgroup
from mozu.core.common.programs import PROGRAM_PATH, run_program

_SECONDS: Final = 20.0
_MOST_PROCESSES: Final = 4096
"""Most processes of a container whose namespaces are read: as many as an act may have."""


class IsolateSettings(ResponderSettings):
    """Settings of the responder `isolate`."""

    allow: tuple[IPv4Network | IPv6Network, ...] = Field((), description="Networks that stay reachable; lo does.")


class IsolateResponder(ChecksStart, StatelessResponder):
    """Responder that needs the programs nft and nsenter, and CAP_NET_ADMIN."""

    def __init__(self, settings: IsolateSettings, context: Context) -> None:
        self._allow = settings.allow

    def obstacles(self) -> Sequence[Obstacle]:
        """Return an obstacle for each missing program."""
        absent = [name for name in ("nft", "nsenter") if shutil.which(name, path=PROGRAM_PATH) is None]
        return [Obstacle(f"the program {name} is not there; install nftables and util-linux") for name in absent]

    def plan(self, incident: Incident) -> ResponsePlan | None:
        """Return the plan; None for root on the host's network."""
        process = incident.subject
        if process is None:
            return None
        table = f"mozu_{blake2b(incident.alert.id.encode(), digest_size=8).hexdigest()}"
        namespaces = _namespaces(process)
        if namespaces and _namespace(os.getpid()) not in namespaces:
            detail = {"table": table, "namespace": ",".join(sorted(namespaces))}
            return incident.plan_to("isolate", Scope.CONTAINER, detail=detail, lasts=True)
        if process.uid <= 0:
            return None
        detail = {"table": table, "user": str(process.uid)}
        return incident.plan_to(f"isolate user {process.uid} of", Scope.PROCESS, detail=detail, lasts=True)

    async def act(self, incident: Incident, plan: ResponsePlan, targets: Sequence[ResponseTarget]) -> None:
        """Load the table. Raises RuntimeError with nft's errors."""
        table, user = plan.detail["table"], plan.detail.get("user")
        if user is not None:
            await _nft(_of_user(table, user, self._allow), None)
            return
        entered = _opened(plan.detail["namespace"], (one.pid for one in targets if one.signal(0)))
        if not entered:
            raise ProcessLookupError("the container has ended")
        await _nft_in(entered, _of_namespace(table, self._allow))

    async def undo(self, detail: Mapping[str, str], targets: Sequence[ResponseTarget]) -> None:
        """Remove the table. A namespace without a process is gone, or sends nothing. Its processes are searched for
        among all, not only those of the act: a pod keeps its namespace when its containers restart."""
        script = f"add table inet {detail['table']}\ndelete table inet {detail['table']}\n"
        if "user" in detail:
            await _nft(script, None)
        else:
            await _nft_in(_opened(detail["namespace"], _all_pids()), script)


def _of_namespace(table: str, allow: Iterable[IPv4Network | IPv6Network]) -> str:
    """Return nft's script that drops all traffic except that of lo and with these networks."""
    lines = [f"table inet {table} {{"]
    for hook, device, address in (("input", "iif", "saddr"), ("output", "oif", "daddr"), ("forward", "", "daddr")):
        lines.append(f"chain {hook} {{ type filter hook {hook} priority -300; policy drop;")
        if device:
            lines.append(f"{device} lo accept")
        lines += [f"{_family(one)} {address} {one} accept" for one in allow]
        lines.append("}")
    return "\n".join([*lines, "}", ""])


def _of_user(table: str, user: str, allow: Iterable[IPv4Network | IPv6Network]) -> str:
    """Return nft's script that drops the user's outgoing traffic except to lo and to these networks."""
    accepted = [f"{_family(one)} daddr {one} accept" for one in allow]
    rules = [f"meta skuid != {user} accept", "oif lo accept", *accepted, "drop"]
    body = "\n".join(rules)
    return f"table inet {table} {{\nchain output {{ type filter hook output priority -300;\n{body}\n}}\n}}\n"


def _family(network: IPv4Network | IPv6Network) -> str:
    return "ip" if isinstance(network, IPv4Network) else "ip6"


def _namespaces(process: AlertProcess) -> frozenset[str]:
    """Return the network namespaces of the container's processes; empty if the process is in no container."""
    if process.container is None:
        return frozenset()
    ident = process.container.full_id
    found = controlled_cgroup(process.cgroups, ident) or controlled_cgroup(cgroups_of(process.pid), ident)
    pids = () if found is None else islice(found.pids(), _MOST_PROCESSES)
    return frozenset(map(_namespace, (process.pid, *pids))) - {""}


def _opened(namespaces: str, pids: Iterable[int]) -> list[int]:
    """Return descriptors of these network namespaces, opened by processes in them; a namespace without a process is
    left out."""
    wanted, found = set(namespaces.split(",")), []
    for pid in pids:
        if not wanted:
            break
        try:
            descriptor = os.open(_link(pid), os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            continue
        name = f"net:[{os.fstat(descriptor).st_ino}]"
        if name in wanted:
            wanted.remove(name)
            found.append(descriptor)
        else:
            os.close(descriptor)
    return found


def _all_pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdecimal()]


def _namespace(pid: int) -> str:
    try:
        return os.readlink(_link(pid))
    except OSError:
        return ""


def _link(pid: int) -> str:
    """Return the link to the network namespace of a thread: a first thread that has ended has none (pthread_exit(3)).
    Raises OSError."""
    for thread in os.listdir(f"/proc/{pid}/task"):
        path = f"/proc/{pid}/task/{thread}/ns/net"
        with suppress(OSError):
            os.readlink(path)
            return path
    raise ProcessLookupError(f"process {pid} has ended")


async def _nft_in(namespaces: Sequence[int], script: str) -> None:
    """Run the script in each of the namespaces, and close them."""
    try:
        for one in namespaces:
            await _nft(script, one)
    finally:
        for one in namespaces:
            os.close(one)


async def _nft(script: str, namespace: int | None) -> None:
    command, descriptors = ["nft", "-f", "-"], () if namespace is None else (namespace,)
    if namespace is not None:
        command = ["nsenter", f"--net=/proc/self/fd/{namespace}", *command]
    done = await run_program(command, stdin=script.encode(), seconds=_SECONDS, pass_fds=descriptors)
    if done.code:
        raise RuntimeError(f"nft: {done.errors.strip()[:500]}")


@hookimpl
def mozu_components() -> ResponderDeclaration[IsolateSettings]:
    """Declare the responder."""
    return ResponderDeclaration(
        name="isolate",
        build=IsolateResponder,
        settings=IsolateSettings,
        summary="Drops the traffic of the container, or of the user, of an alert, but to a list.",
    )
