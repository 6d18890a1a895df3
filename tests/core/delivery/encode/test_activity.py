"""The ECS and OCSF values of each kind of event, a table made from the schemas' own descriptions."""

import json
from typing import Any, Final

import pytest

from mozu.core.delivery.encode.activity import _TYPES, activity
from mozu.core.delivery.encode.ecs import Ecs
from mozu.core.delivery.encode.known import Known
from mozu.core.delivery.encode.ocsf import Ocsf
from mozu.core.model.syscalls import event_types
from tests.core.delivery.encode.made import plain

_FILE: Final = {"fd.type": "file", "fd.name": "/srv/a"}
_IP: Final = {
    "fd.type": "ipv4", "fd.cip": "10.0.0.2", "fd.cport": 40000, "fd.sip": "203.0.113.9", "fd.sport": 443,
    "fd.l4proto": "tcp",
}  # fmt: skip
_SELF: Final = {**_IP, "fd.cip": "127.0.0.1", "fd.sip": "127.0.0.1"}
_SELF6: Final = {**_IP, "fd.type": "ipv6", "fd.cip": "::1", "fd.sip": "::1"}
_OK: Final = {"evt.failed": False, "evt.rawres": 0, "evt.res": "SUCCESS"}


def _failed(number: int, name: str) -> dict[str, Any]:
    return {"evt.failed": True, "evt.rawres": number, "evt.res": name}


TABLE: Final[tuple[tuple[str, dict[str, Any], str, tuple[str, ...], str | None], ...]] = (
    ("execve", _OK, "process", ("start",), "success"),
    ("execve", _failed(-13, "EACCES"), "process", ("start",), "failure"),
    ("clone", {"evt.failed": False, "evt.rawres": 77}, "process", ("start",), "success"),
    ("procexit", {}, "process", ("end",), None),
    ("setresuid", _OK, "process", ("change",), "success"),
    ("unshare", _OK, "process", ("change",), "success"),
    ("ptrace", _OK, "process", ("access",), "success"),
    ("kill", _OK, "process", ("access",), "success"),
    ("pidfd_send_signal", _OK, "process", ("access",), "success"),
    ("openat", _FILE | {"evt.is_open_read": True}, "file", ("access",), None),
    ("openat", _FILE | {"evt.is_open_write": True, "evt.is_open_create": False}, "file", ("change",), None),
    ("openat", _FILE | {"evt.is_open_write": True, "evt.is_open_create": True}, "file", ("creation",), None),
    ("open", _FILE | {"evt.is_open_create": True}, "file", ("creation",), None),
    ("openat2", _FILE | {"evt.is_open_write": True}, "file", ("change",), None),
    ("open_by_handle_at", _FILE | {"evt.is_open_write": True}, "file", ("change",), None),
    ("openat", _failed(-13, "EACCES") | {"evt.is_open_write": True}, "file", ("change",), "failure"),
    ("creat", _FILE, "file", ("creation",), None),
    ("read", _FILE, "file", ("access",), None),
    ("read", _IP, "network", ("connection", "info"), None),
    ("read", {"fd.type": "pipe"}, "process", ("info",), None),
    ("write", _FILE, "file", ("change",), None),
    ("write", _IP, "network", ("connection", "info"), None),
    ("write", {"fd.type": "unix"}, "process", ("info",), None),
    ("close", _FILE, "file", ("info",), None),
    ("close", _IP, "network", ("connection", "end"), None),
    ("dup2", _IP, "network", ("connection", "info"), None),
    ("access", _OK, "file", ("info",), "success"),
    ("stat", _OK, "file", ("info",), "success"),
    ("readlink", _OK, "file", ("info",), "success"),
    ("renameat2", _OK, "file", ("change",), "success"),
    ("fchmodat", _OK, "file", ("change",), "success"),
    ("utimensat", _OK, "file", ("change",), "success"),
    ("removexattr", _OK, "file", ("change",), "success"),
    ("truncate", _OK, "file", ("change",), "success"),
    ("mkdirat", _OK, "file", ("creation",), "success"),
    ("symlinkat", _OK, "file", ("creation",), "success"),
    ("linkat", _OK, "file", ("creation",), "success"),
    ("memfd_create", _OK, "file", ("creation",), "success"),
    ("unlinkat", _OK, "file", ("deletion",), "success"),
    ("rmdir", _OK, "file", ("deletion",), "success"),
    ("connect", _IP | _OK, "network", ("connection", "start"), "success"),
    ("connect", _IP | _failed(-115, "EINPROGRESS"), "network", ("connection", "start"), "unknown"),
    ("connect", _IP | _failed(-114, "EALREADY"), "network", ("connection", "start"), "unknown"),
    ("connect", _IP | _failed(-512, "ERESTARTSYS"), "network", ("connection", "start"), "unknown"),
    ("connect", _IP | _failed(-111, "ECONNREFUSED"), "network", ("connection", "start"), "failure"),
    ("connect", {"fd.type": "unix"} | _OK, "process", ("info",), "success"),
    ("accept4", _IP | {"evt.failed": False, "evt.rawres": 5}, "network", ("connection", "start"), "success"),
    ("accept", _failed(-11, "EAGAIN"), "network", ("connection", "start"), "failure"),
    ("bind", _IP | _OK, "network", ("connection", "info"), "success"),
    ("sendto", _IP | {"evt.failed": False, "evt.rawres": 5}, "network", ("connection", "info"), "success"),
    ("shutdown", _IP | _OK, "network", ("connection", "end"), "success"),
    ("init_module", _OK, "driver", ("start",), "success"),
    ("delete_module", _OK, "driver", ("end",), "success"),
    ("mount", _OK, "configuration", ("change",), "success"),
    ("sethostname", _OK, "configuration", ("change",), "success"),
    ("reboot", _failed(-1, "EPERM"), "host", ("end",), "failure"),
    ("useradded", {}, "iam", ("user", "creation"), None),
    ("groupdeleted", {}, "iam", ("group", "deletion"), None),
)
"""Event type, known facts, `event.category`, `event.type`, `event.outcome`."""

DIRECTIONS: Final[tuple[tuple[str, dict[str, Any], str | None, int], ...]] = (
    ("connect", _IP | {"fd.role": "client"}, "egress", 2),
    ("connect", _IP, "egress", 2),
    ("connect", _SELF | {"fd.role": "client"}, "egress", 4),
    ("connect", _SELF6 | {"fd.role": "client"}, "egress", 4),
    ("accept4", _IP | {"fd.role": "server"}, "ingress", 1),
    ("accept", _SELF | {"fd.role": "server"}, "ingress", 4),
    ("sendto", _IP | {"fd.role": "client"}, "egress", 2),
    ("recvfrom", _IP | {"fd.role": "server"}, "ingress", 1),
    ("write", _SELF | {"fd.role": "client"}, "egress", 4),
    ("sendmsg", _IP, None, 0),
    ("listen", _IP | {"fd.role": "listening"}, "ingress", 1),
)
"""Event type, known facts, `network.direction`, `connection_info.direction_id`."""


def encoded(kind: str, facts: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the event in ECS and in OCSF."""
    alert = plain()
    alert.event_type = kind
    del alert.enrichment["evt.failed"]
    alert.enrichment |= facts
    return json.loads(Ecs().encode(alert)), json.loads(Ocsf().encode(alert))


@pytest.mark.parametrize(("kind", "facts", "category", "types", "outcome"), TABLE)
def test_an_event_is_of_the_category_and_the_type_that_the_schema_describes(
    kind: str, facts: dict[str, Any], category: str, types: tuple[str, ...], outcome: str | None
) -> None:
    event = encoded(kind, facts)[0]["event"]

    assert (event["category"], event.get("outcome")) == (["intrusion_detection", category], outcome)
    assert [name for name in event["type"] if name != "info"] == [name for name in types if name != "info"]


@pytest.mark.parametrize(("kind", "facts", "direction", "number"), DIRECTIONS)
def test_a_connection_goes_where_the_process_took_it(
    kind: str, facts: dict[str, Any], direction: str | None, number: int
) -> None:
    ecs, ocsf = encoded(kind, facts)

    assert (ecs["network"].get("direction"), ocsf["evidences"][0]["connection_info"]["direction_id"]) == (
        direction,
        number,
    )


def test_a_connection_of_the_machine_to_itself_has_the_boundary_of_the_machine() -> None:
    boundaries = [
        encoded("connect", facts)[1]["evidences"][0]["connection_info"].get("boundary_id") for facts in (_SELF, _IP)
    ]
    assert [1, None] == boundaries


def test_a_call_that_failed_names_its_error_and_what_it_returned() -> None:
    ecs, ocsf = encoded("openat", _failed(-13, "EACCES"))

    assert ("EACCES", {"operation": "openat", "response": {"code": -13, "error": "EACCES"}}) == (
        ecs["error"]["code"],
        ocsf["evidences"][0]["api"],
    )


def test_a_result_that_is_an_address_is_no_code() -> None:
    _, ocsf = encoded("mmap", {"evt.failed": False, "evt.rawres": 0x7F0000000000, "evt.res": "SUCCESS"})
    assert {"operation": "mmap"} == ocsf["evidences"][0]["api"]


@pytest.mark.parametrize(
    ("kind", "facts", "file"),
    [
        ("openat", _FILE, {"type": "file"}),
        ("openat", {"fd.type": "directory", "fd.name": "/srv/a"}, {"type": "dir"}),
        ("mkdirat", {"fs.path.name": "/srv/a"}, {"type": "dir"}),
        ("symlink", {"fs.path.source": "/srv/a", "fs.path.target": "/b"}, {"type": "symlink", "target_path": "/b"}),
        ("linkat", {"fs.path.source": "/srv/a", "fs.path.target": "/b"}, {}),
        ("rename", {"fs.path.source": "/srv/b", "fs.path.target": "/srv/a"}, {}),
    ],
)
def test_a_file_is_what_the_call_made_of_it(kind: str, facts: dict[str, Any], file: dict[str, Any]) -> None:
    ecs, ocsf = encoded(kind, facts)
    place = {"path": "/srv/a", "name": "a", "directory": "/srv"}

    assert place | file == ecs["file"]
    assert {"file": 1, "dir": 2, "symlink": 7, None: 0}[file.get("type")] == ocsf["evidences"][0]["file"]["type_id"]


def test_the_table_names_events_that_there_are() -> None:
    named = {name for names in _TYPES.values() for name in names.split()}
    assert {"umount_1", "sysctl", "quotactl"} >= named - set(event_types())
    assert {kind for kind, *_ in TABLE} <= set(event_types())


def test_no_type_of_event_stands_twice() -> None:
    named = [name for names in _TYPES.values() for name in names.split()]
    assert len(named) == len(set(named))


def test_events_that_no_schema_has_words_for_have_none() -> None:
    alert = plain()
    assert activity("nanosleep", Known(alert)) is None
