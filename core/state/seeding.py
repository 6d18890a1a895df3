"""Seeds: tasks and descriptors that existed before the first event."""

from typing import Any, Final

from msgspec.structs import replace

from mozu.core.abi.addresses import IPV6, socket_kind, swap_ends, tuple_text, unmap_ipv4
from mozu.core.model.event import File, Process
from mozu.core.state.ends import evict
from mozu.core.state.observed import KnownFile, KnownProcess
from mozu.core.state.paths import directory, without_deleted
from mozu.core.state.sockets import shown_protocol
from mozu.core.state.state import State
from mozu.core.state.tables import Node
from mozu.core.state.tree import adopt, join, link

_COPIED: Final = (
    "ptid", "sid", "pgid", "vpgid", "vtid", "vpid", "name", "exe", "args", "uid", "gid", "loginuid", "tty",
    "cap_permitted", "cap_effective", "cap_inheritable", "exe_ino", "exe_ctime", "exe_mtime", "exe_uid", "exe_mode",
    "exe_genuine", "script", "exe_flags", "start", "pidns_start", "namespaces", "stack", "cgroups", "fdlimit",
    "vm_size", "vm_rss", "vm_swap", "pfmajor", "pfminor", "boot_start",
)  # fmt: skip


def seed(state: State, tid: int, pid: int, known: KnownProcess, born: int, *, others: int = 0) -> Node:
    """Put a task into the table. Parents and main threads may come before or after; `others` counts further threads."""
    old = state.node(tid)
    if old is not None:
        evict(state, old, born - 1)
    node = Node(tid, state.tables, born)
    process = Process(
        node, tid, pid, since=born, others=others, exepath=without_deleted(known.exepath),
        cwd=directory(known.cwd or "/"), root=known.root or "/",
        env=known.env if state.live or known.env is not None else (),
        container=state.container_of(known.cgroups), **further_ids(known),
        **{name: getattr(known, name) for name in _COPIED},
    )  # fmt: skip
    state.add(process)
    if pid not in (tid, -1):
        main = state.node(pid)
        if main is None:
            state.waiting.setdefault(pid, []).append(node)
        else:
            join(state, main, node, born)
    else:
        _attach(state, node)
    adopt(state, node, born)
    return node


def further_ids(known: KnownProcess) -> dict[str, Any]:
    """Return the real and saved ids; unknown ones equal the effective ids."""
    effective = {"ruid": known.uid, "suid": known.uid, "rgid": known.gid, "sgid": known.gid}
    given: dict[str, int | None] = {name: getattr(known, name) for name in effective}
    return {name: default if (value := given[name]) is None else value for name, default in effective.items()}


def _attach(state: State, node: Node) -> None:
    link(state, node)
    ptid = node.version.ptid
    if node.version.parent is None and ptid > 0 and ptid != node.tid and state.node(ptid) is None:
        state.waiting.setdefault(ptid, []).append(node)


def finish_seeding(state: State) -> None:
    """End the seeding: processes whose parent no seed named have none."""
    for nodes in state.waiting.values():
        for node in nodes:
            if node.died is None and node.version.pid == node.tid:
                node.version.ptid = 0
    state.waiting.clear()
    state.tables.epoch += 1
    _infer_directions(state)


# --- descriptors ---


def seed_file(node: Node, known: KnownFile, *, recorded: bool) -> None:
    """Add one descriptor to a task."""
    file = known.file
    if file.sock is not None or file.kind in ("ipv4", "ipv6", "unix"):
        file = _socket(file)
    if recorded and file.role == "listening" and file.sock is not None and not any(file.sock.dest):
        file = replace(file, sock=replace(file.sock, dest=b""))  # as Falco shows it: a port and no address
    dict.__setitem__(node.files, known.fd, file)


def _socket(file: File) -> File:
    if file.kind == "unix" or file.sock is None:
        return replace(file, role="server" if file.name else "client")
    protocol = file.protocol or (file.l4proto or "").removeprefix("<NA>")
    listening = file.role == "listening"
    sock = file.sock if listening else unmap_ipv4(file.sock)
    name = tuple_text(sock, "") if not listening else tuple_text(sock, "").partition("->")[2]
    return replace(
        file, kind=socket_kind(sock.family), sock=sock, name=name, protocol=protocol,
        l4proto=shown_protocol(protocol, file.role), connected=protocol == "tcp" and not listening,
    )  # fmt: skip


def _infer_directions(state: State) -> None:
    """Set the direction of connections: one whose own port is listened on was accepted, not made."""
    tables = list({id(node.files): node.files for node in state.tables if node.files}.values())
    files = [file for table in tables for file in table.values()]
    ports = {file.sock.dport for file in files if file.role == "listening" and file.sock is not None}
    for table in tables:
        for fd, file in table.items():
            if file.sock is not None and file.kind in ("ipv4", "ipv6") and not file.role:
                dict.__setitem__(table, fd, _directed(file, ports))


def _directed(file: File, ports: set[int]) -> File:
    sock = file.sock
    assert sock is not None
    if sock.family == IPV6:
        return file
    accepted = sock.sport in ports
    role = "server" if accepted else "client"
    sock = swap_ends(sock) if accepted else sock
    return replace(
        file, sock=sock, role=role, name=tuple_text(sock, ""), l4proto=shown_protocol(file.protocol, role)
    )
