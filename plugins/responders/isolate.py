"""The responder `isolate`: nftables drops all traffic of a container, or what a user sends, but to a list.

A container with a network namespace of its own gets a table there. What shares the host's network is matched by its
user, whose packets are dropped on their way out; not root's, which would be the machine's own. One `nft -f` is one
transaction (nft(8)), and the table has a name of its own, so that undoing it takes nothing else away.
"""

import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from ipaddress import IPv4Network, IPv6Network
from typing import Final

from pydantic import Field

from mozu.core.api import (
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
from mozu.core.common.programs import PROGRAM_PATH, run_program

_SECONDS: Final = 20.0


class IsolateSettings(ResponderSettings):
    """Where it may still talk to."""

    allow: tuple[IPv4Network | IPv6Network, ...] = Field((), description="Networks that stay reachable; lo does.")


class IsolateResponder(ChecksStart, StatelessResponder):
    """Needs the programs nft and nsenter, and CAP_NET_ADMIN."""

    def __init__(self, settings: IsolateSettings, context: Context) -> None:
        self._allow = settings.allow

    def obstacles(self) -> Sequence[Obstacle]:
        """Whether the programs are there."""
        absent = [name for name in ("nft", "nsenter") if shutil.which(name, path=PROGRAM_PATH) is None]
        return [Obstacle(f"the program {name} is not there; install nftables and util-linux") for name in absent]

    def plan(self, incident: Incident) -> ResponsePlan | None:
        """None for root on the host's network."""
        process = incident.subject
        if process is None:
            return None
        table = f"mozu_{blake2b(incident.alert.id.encode(), digest_size=8).hexdigest()}"
        namespace = _namespace(process.pid)
        if process.container is not None and namespace and namespace != _namespace(os.getpid()):
            detail = {"table": table, "namespace": namespace}
            return incident.plan_to("isolate", Scope.CONTAINER, detail=detail, lasts=True)
        if process.uid <= 0:
            return None
        detail = {"table": table, "user": str(process.uid)}
        return incident.plan_to(f"isolate user {process.uid} of", Scope.PROCESS, detail=detail, lasts=True)

    async def act(self, incident: Incident, plan: ResponsePlan, targets: Sequence[ResponseTarget]) -> None:
        """Raises RuntimeError with what nft says."""
        table, user = plan.detail["table"], plan.detail.get("user")
        if user is not None:
            await _nft(_of_user(table, user, self._allow), None)
            return
        namespace = _opened(plan.detail["namespace"], targets)
        if namespace is None:
            raise ProcessLookupError("the container has ended")
        try:
            await _nft(_of_namespace(table, self._allow), namespace)
        finally:
            os.close(namespace)

    async def undo(self, detail: Mapping[str, str], targets: Sequence[ResponseTarget]) -> None:
        """A container that has ended has taken its network namespace with it."""
        script = f"add table inet {detail['table']}\ndelete table inet {detail['table']}\n"
        if "user" in detail:
            await _nft(script, None)
            return
        namespace = _opened(detail["namespace"], targets)
        if namespace is not None:
            try:
                await _nft(script, namespace)
            finally:
                os.close(namespace)


def _of_namespace(table: str, allow: Iterable[IPv4Network | IPv6Network]) -> str:
    """All traffic but that of lo and with these networks."""
    lines = [f"table inet {table} {{"]
    for hook, device, address in (("input", "iif", "saddr"), ("output", "oif", "daddr"), ("forward", "", "daddr")):
        lines.append(f"chain {hook} {{ type filter hook {hook} priority -300; policy drop;")
        if device:
            lines.append(f"{device} lo accept")
        lines += [f"{_family(one)} {address} {one} accept" for one in allow]
        lines.append("}")
    return "\n".join([*lines, "}", ""])


def _of_user(table: str, user: str, allow: Iterable[IPv4Network | IPv6Network]) -> str:
    """What this user sends, but to lo and to these networks."""
    accepted = [f"{_family(one)} daddr {one} accept" for one in allow]
    rules = [f"meta skuid != {user} accept", "oif lo accept", *accepted, "drop"]
    body = "\n".join(rules)
    return f"table inet {table} {{\nchain output {{ type filter hook output priority -300;\n{body}\n}}\n}}\n"


def _family(network: IPv4Network | IPv6Network) -> str:
    return "ip" if isinstance(network, IPv4Network) else "ip6"


def _opened(namespace: str, targets: Iterable[ResponseTarget]) -> int | None:
    """A descriptor of this network namespace, from a process that is in it; None: there is none any more."""
    for one in targets:
        try:
            descriptor = os.open(f"/proc/{one.pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            continue
        if one.signal(0) and f"net:[{os.fstat(descriptor).st_ino}]" == namespace:
            return descriptor
        os.close(descriptor)
    return None


def _namespace(pid: int) -> str:
    try:
        return os.readlink(f"/proc/{pid}/ns/net")
    except OSError:
        return ""


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
