"""Recorded acts (tests/data/acts/kinds.jsonl.gz), and the values that each must have in ECS 9.4 and OCSF 1.8.

The table is written by hand from the schemas' descriptions: of `event.category` and `event.type` (what an event of the
pair is), `event.outcome` (success, failure, or unknown if the result is not known), `network.direction`, and of OCSF's
`direction_id` (1 inbound, 2 outbound, 4 local), `boundary_id` (1 localhost), file `type_id` (1 regular, 2 folder, 7
symbolic link) and `api.response`.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

Facts = Mapping[str, object]
"""Dotted field name → expected value; None if the field must be absent."""
_NEAR: Final = "203.0.113.9"
_TYPES: Final = {"file": 1, "dir": 2, "symlink": 7}


class Recorded(msgspec.Struct, frozen=True):
    """An act of tests/support/acts/kinds.py: its name, its event type, and the values that the formats must have."""

    name: str
    kind: str
    category: str
    types: tuple[str, ...]
    outcome: str | None = "success"
    error: str | None = None
    ecs: Facts = {}
    """Expected ECS fields; a value that begins with `*` is the end of the path, behind the directory of the act."""
    ocsf: Facts = {}


def _file(name: str, kind: str | None, act: tuple[str, str], types: str, **more: Any) -> Recorded:
    """Return an act on the file `name`; `kind` is ECS `file.type` if the event reports it."""
    both: Facts = {"file.name": name, "file.path": f"*/{name}"}
    ecs = {**both, "network": None, **({"file.type": kind} if kind else {})}
    ocsf = {**both, "dst_endpoint": None, **({"file.type_id": _TYPES[kind]} if kind else {})}
    return Recorded(*act, "file", (types,), ecs=ecs | more.pop("ecs", {}), ocsf=ocsf | more.pop("ocsf", {}), **more)


def _wire(act: tuple[str, str], types: str, direction: str | None, number: int | None, **more: Any) -> Recorded:
    """Return an act on an IP connection."""
    ecs = {"network.direction": direction, "file": None}
    ocsf = {"connection_info.direction_id": number, "file": None}
    kinds = ("connection", types)
    return Recorded(*act, "network", kinds, ecs=ecs | more.pop("ecs", {}), ocsf=ocsf | more.pop("ocsf", {}), **more)


def _process(act: tuple[str, str], types: str, **more: Any) -> Recorded:
    ecs = {"file": None, "network": None}
    return Recorded(*act, "process", (types,), ecs=ecs | more.pop("ecs", {}), ocsf={"dst_endpoint": None}, **more)


def _no(error: str) -> dict[str, Any]:
    return {"outcome": "failure", "error": error}


_TO_NEAR: Final = {
    "ecs": {"destination.ip": _NEAR, "source.ip": _NEAR, "network.transport": "tcp", "network.type": "ipv4"},
    "ocsf": {"dst_endpoint.ip": _NEAR, "connection_info.protocol_num": 6, "connection_info.protocol_ver_id": 4},
}
"""A connection of the machine to itself, by an address that is not a loopback address."""
_TO_SELF: Final = {
    "ecs": {"destination.ip": "127.0.0.1", "network.transport": "tcp"},
    "ocsf": {"dst_endpoint.ip": "127.0.0.1", "connection_info.boundary_id": 1},
}

ACTS: Final = (
    _file("file", "file", ("reads_a_file_by_openat", "openat"), "access"),
    _file("file", "file", ("opens_a_file_for_writing", "openat"), "change"),
    _file("file", "file", ("opens_a_file_for_both", "openat"), "change"),
    _file("made", "file", ("creates_a_file", "openat"), "creation"),
    _file("file", "file", ("creates_a_file_again", "openat"), "change"),
    _file("none", None, ("opens_what_is_not_there", "openat"), "access", **_no("ENOENT")),
    _file("file", None, ("creates_what_is_there", "openat"), "change", **_no("EEXIST")),
    Recorded("opens_a_directory", "openat", "file", ("access",), ecs={"file.type": "dir"}, ocsf={"file.type_id": 2}),
    _file("made", "file", ("creates_by_creat", "creat"), "creation"),
    _file("file", "file", ("writes_by_open", "open"), "change"),
    _file("made", "file", ("creates_by_openat2", "openat2"), "creation"),
    Recorded("creates_in_memory", "memfd_create", "file", ("creation",), ecs={"network": None}),
    _file("file", "file", ("reads_a_file", "read"), "access"),
    _wire(("reads_a_connection", "read"), "info", "egress", 2, **_TO_NEAR),
    _process(("reads_a_pipe", "read"), "info"),
    _file("file", "file", ("reads_at_a_place", "pread"), "access"),
    _file("file", "file", ("writes_a_file", "write"), "change"),
    _wire(("writes_a_connection", "write"), "info", "egress", 2, **_TO_NEAR),
    _process(("writes_a_pipe", "write"), "info"),
    _process(("writes_a_unix_socket", "write"), "info"),
    _file("file", "file", ("closes_a_file", "close"), "info"),
    _wire(("closes_a_connection", "close"), "end", "egress", 2, **_TO_NEAR),
    _file("moved", None, ("renames", "rename"), "change"),
    _file("moved", None, ("renames_by_renameat2", "renameat2"), "change"),
    Recorded("renames_what_is_not_there", "renameat", "file", ("change",), **_no("ENOENT")),
    _file("file", None, ("changes_a_mode", "chmod"), "change"),
    _file("file", None, ("changes_a_mode_by_fchmodat", "fchmodat"), "change"),
    _file("file", None, ("changes_an_owner", "chown"), "change"),
    _file("file", None, ("changes_an_owner_by_fchownat", "fchownat"), "change"),
    _file("file", None, ("unlinks", "unlink"), "deletion"),
    _file("file", None, ("unlinks_by_unlinkat", "unlinkat"), "deletion"),
    Recorded("unlinks_what_is_not_there", "unlink", "file", ("deletion",), **_no("ENOENT")),
    _file("made", "dir", ("makes_a_directory", "mkdir"), "creation"),
    Recorded("makes_what_is_there", "mkdirat", "file", ("creation",), **_no("EEXIST")),
    _file("made", "dir", ("removes_a_directory", "rmdir"), "deletion"),
    _file("made", "symlink", ("makes_a_symbolic_link", "symlink"), "creation", ecs={"file.target_path": "*/target"}),
    _file("made", None, ("makes_a_link", "link"), "creation", ecs={"file.target_path": None}),
    Recorded("makes_a_fifo", "mknod", "file", ("creation",)),
    Recorded("truncates", "truncate", "file", ("change",)),
    Recorded("sets_an_attribute", "setxattr", "file", ("change",)),
    Recorded("sets_the_times", "utimensat", "file", ("change",)),
    Recorded("asks_for_access", "access", "file", ("info",)),
    Recorded("reads_a_link", "readlink", "file", ("info",)),
    _wire(("connects", "connect"), "start", "egress", 2, **_TO_NEAR),
    _wire(("connects_to_its_loopback", "connect"), "start", "egress", 4, **_TO_SELF),
    _wire(
        ("connects_to_its_loopback_by_ipv6", "connect"), "start", "egress", 4,
        ecs={"destination.ip": "::1", "network.type": "ipv6"}, ocsf={"connection_info.protocol_ver_id": 6},
    ),
    _wire(("connects_later", "connect"), "start", "egress", 2, outcome="unknown", error="EINPROGRESS"),
    _wire(("is_refused", "connect"), "start", "egress", 2, **_no("ECONNREFUSED")),
    _wire(
        ("connects_a_datagram_socket", "connect"), "start", "egress", 2,
        ecs={"network.transport": "udp", "destination.port": 53}, ocsf={"connection_info.protocol_num": 17},
    ),
    _process(("connects_to_a_unix_socket", "connect"), "info"),
    _wire(("accepts", "accept4"), "start", "ingress", 1, **_TO_NEAR),
    _wire(("accepts_by_accept", "accept"), "start", "ingress", 1, **_TO_NEAR),
    _wire(("binds", "bind"), "info", None, None),
    _wire(("listens", "listen"), "info", "ingress", 1),
    _wire(("sends_a_datagram", "sendto"), "info", "egress", 2, ecs={"network.transport": "udp"}),
    _wire(("receives_a_datagram", "recvfrom"), "info", "ingress", 1, ecs={"network.transport": "udp"}),
    _wire(("shuts_down", "shutdown"), "end", "egress", 2, **_TO_NEAR),
    _wire(("answers_a_client", "sendmsg"), "info", "ingress", 1, **_TO_NEAR),
    _process(("executes", "execve"), "start", ecs={"process.executable": "/usr/bin/true", "process.args_count": 2}),
    _process(("executes_what_is_not_there", "execve"), "start", **_no("ENOENT")),
    _process(("forks", "clone"), "start"),
    _process(("ends", "procexit"), "end", outcome=None),
    _process(("becomes_another_user", "setresuid"), "change"),
    _process(("becomes_another_group", "setgid"), "change"),
    _process(("leads_a_session", "setsid"), "change"),
    _process(("leaves_a_namespace", "unshare"), "change"),
    _process(("leaves_no_namespace", "unshare"), "change", **_no("EINVAL")),
    _process(("changes_its_root", "chroot"), "change"),
    _process(("reads_memory", "process_vm_readv"), "access"),
    _process(("signals", "kill"), "access"),
    _process(("signals_by_pidfd", "pidfd_send_signal"), "access"),
    _process(("is_not_traced", "ptrace"), "access", **_no("EPERM")),
    Recorded("mounts", "mount", "configuration", ("change",), ecs={"network": None}),
    Recorded("unmounts_what_is_no_mount", "umount2", "configuration", ("change",), **_no("EINVAL")),
    Recorded("names_the_host", "sethostname", "configuration", ("change",)),
    Recorded("loads_no_module", "init_module", "driver", ("start",), **_no("ENOSYS")),
    Recorded("removes_no_module", "delete_module", "driver", ("end",), **_no("ENOSYS")),
    Recorded("restarts_nothing", "reboot", "host", ("end",), **_no("EINVAL")),
    Recorded("sets_no_clock", "settimeofday", "configuration", ("change",), outcome=None),
    Recorded("loads_no_kernel", "kexec_load", "host", ("change",), outcome=None),
    Recorded("stops_no_swapping", "swapoff", "configuration", ("change",), **_no("ENOENT")),
)  # fmt: skip

RULES: Final[list[dict[str, Any]]] = [
    {
        "rule": one.name,
        "desc": "An act.",
        "condition": f"evt.type = {one.kind} and proc.cwd endswith /{one.name}/",
        "output": "%proc.cwd",
        "priority": "NOTICE",
        "tags": ["T1059.004", "mitre_execution"],
    }
    for one in ACTS
]
"""Rules, one for each act."""
