"""Identities in ECS and OCSF by which receivers join events."""

import json
from typing import Any, Final

import pytest

from mozu.core.delivery.encode.ecs import Ecs, EcsSettings
from mozu.core.delivery.encode.known import IDENTITY
from mozu.core.delivery.encode.ocsf import Ocsf, OcsfSettings
from mozu.core.delivery.redact import Redactor
from mozu.core.metrics import Metrics
from mozu.core.model.alert import Alert
from tests.core.delivery.encode.made import STAMP, plain, reading
from tests.core.delivery.encode.test_ocsf import faults

_LOGIN: Final = "11111111111111111111111111111111 900 1767225590000000000 /usr/bin/bash"
_SSH: Final = {
    "container.full_id": "host",
    "proc.entry.leader": _LOGIN,
    "proc.entry.type": "sshd",
    "proc.entry.ip": "198.51.100.7",
    "proc.sid.leader": _LOGIN,
    "user.loginuid": 1000,
    "user.loginname": "mira",
}


def ecs(alert: Alert, **options: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Ecs(EcsSettings(**options)).encode(alert, STAMP))
    return found


def ocsf(alert: Alert, **options: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Ocsf(OcsfSettings(**options)).encode(alert, STAMP))
    return found


def knowing(facts: dict[str, Any]) -> Alert:
    alert = plain()
    alert.enrichment |= facts
    return alert


def test_the_host_and_the_agent_have_ids_that_do_not_change() -> None:
    first, second = ecs(plain()), ecs(reading())

    assert "3f2a9c0d1b4e4f6a8c7d5e9b0a1c2d3e" == first["host"]["id"] == second["host"]["id"]
    assert first["agent"]["id"] == second["agent"]["id"] != first["host"]["id"]
    made = ocsf(plain())
    assert (made["device"]["uid"], made["device"]["os_machine_uuid"], made["metadata"]["reporter"]["uid"]) == (
        "3f2a9c0d1b4e4f6a8c7d5e9b0a1c2d3e",
        "3f2a9c0d-1b4e-4f6a-8c7d-5e9b0a1c2d3e",
        first["agent"]["id"],
    )


def test_the_process_its_parent_and_its_leaders_have_ids_and_starts() -> None:
    process = ecs(knowing(_SSH))["process"]

    assert (process["entity_id"], process["parent"]["entity_id"]) == (
        "0b8f0e5c6e0d4c1f9a7d3e2b1c0a9f8e",
        "7d1c2b3a4958677a1b20f37a86c04f3f",
    )
    assert process["parent"]["start"] == "2025-12-31T23:59:54.000000001Z"
    login = {
        "entity_id": "1" * 32, "pid": 900, "name": "bash", "executable": "/usr/bin/bash",
        "start": "2025-12-31T23:59:50.000000000Z", "same_as_process": False,
    }  # fmt: skip
    assert process["session_leader"] == login
    assert process["entry_leader"] == {
        **login,
        "entry_meta": {"type": "sshd", "source": {"ip": "198.51.100.7"}},
        "user": {"id": "1000", "name": "mira"},
    }
    assert process["group_leader"]["same_as_process"] is True


def test_the_words_of_the_command_line_and_the_terminal_stand_alone() -> None:
    process = ecs(plain())["process"]

    assert (["sh", "-i"], 2, True) == (process["args"], process["args_count"], process["interactive"])
    assert {"char_device": {"major": 136, "minor": 0}} == process["tty"]
    assert ecs(knowing({"proc.tty": 0}))["process"]["interactive"] is False


def test_more_words_than_anybody_reads_are_counted() -> None:
    process = ecs(knowing({"proc.argv": "\0".join(map(str, range(10_000)))}))["process"]

    assert (512, 10_000) == (len(process["args"]), process["args_count"])


def test_a_secret_among_the_words_is_hidden_as_in_the_command_line() -> None:
    alert = knowing({"proc.argv": "mysql\0--password\0hunter2\0db", "proc.cmdline": "mysql --password hunter2 db"})
    Redactor(Metrics())(alert)

    assert ["mysql", "--password", "[redacted]", "db"] == ecs(alert)["process"]["args"]


def test_the_ancestors_are_lists_of_equal_length() -> None:
    labels = ecs(plain())["labels"]

    assert {key: labels[key] for key in labels if key.startswith("ancestor")} == {
        "ancestor_ids": "7d1c2b3a4958677a1b20f37a86c04f3f,",
        "ancestor_pids": "4200,1",
        "ancestor_executables": "/usr/bin/runc,/usr/lib/systemd/systemd",
        "ancestor_starts": "2025-12-31T23:59:54.000000001Z,",
    }


def test_in_ocsf_they_are_entities_of_the_process_and_the_login_is_the_session_of_the_actor() -> None:
    made = ocsf(knowing(_SSH))
    process = made["evidences"][0]["process"]

    assert [] == faults(made)
    assert [("7d1c2b3a4958677a1b20f37a86c04f3f", 4200), (None, 1)] == [
        (one.get("uid"), one["pid"]) for one in process["ancestry"]
    ]
    assert (process["uid"], process["parent_process"]["uid"]) == (
        "0b8f0e5c6e0d4c1f9a7d3e2b1c0a9f8e",
        "7d1c2b3a4958677a1b20f37a86c04f3f",
    )
    assert {"uid": "1000", "name": "mira"} == made["evidences"][0]["user"]
    assert {"uid": "1" * 32, "created_time": 1767225590000, "terminal": "pts/0"} == process["session"]
    assert made["actor"]["session"] == {
        "uid": "1" * 32, "created_time": 1767225590000, "terminal": "pts/0", "issuer": "sshd", "is_remote": True,
    }  # fmt: skip


@pytest.mark.parametrize("unset", [-1, 0xFFFFFFFF, None])
def test_who_never_logged_in_has_no_login(unset: int | None) -> None:
    process = ecs(knowing({**_SSH, "user.loginuid": unset, "user.loginname": "<NA>"}))["process"]

    assert "user" not in process["entry_leader"]


def test_the_connection_of_a_shell_is_the_connection_of_an_event_that_has_none() -> None:
    shell = knowing({"proc.peer": "client 10.0.0.2 40000 203.0.113.9 4444 tcp"})
    document, finding = ecs(shell), ocsf(shell)

    assert ({"ip": "203.0.113.9", "port": 4444}, "egress", "tcp") == (
        document["destination"], document["network"]["direction"], document["network"]["transport"],
    )  # fmt: skip
    assert {"ip": "203.0.113.9", "port": 4444} == finding["evidences"][0]["dst_endpoint"]
    assert "203.0.113.9" in document["related"]["ip"]
    assert [] == faults(finding)


def test_the_hash_of_the_program_is_where_a_rule_names_it() -> None:
    alert = knowing({"proc.exe_hash": "ab" * 32})
    document, finding = ecs(alert), ocsf(alert)

    assert ("ab" * 32, ["ab" * 32]) == (document["process"]["hash"]["sha256"], document["related"]["hash"])
    assert [] == faults(finding)
    assert [{"algorithm_id": 3, "algorithm": "SHA-256", "value": "ab" * 32}] == (
        finding["evidences"][0]["process"]["file"]["hashes"]
    )
    assert "hash" not in ecs(plain())["process"]


@pytest.mark.parametrize("raw", [False, True])
def test_the_event_itself_is_there_where_it_is_asked_for(raw: bool) -> None:
    alert = knowing({"evt.args": "res=0 exe=/bin/sh"})
    expected = {"type": "execve", "number": 7, "time": alert.time, "parameters": "res=0 exe=/bin/sh"} if raw else None

    texts = ecs(alert, raw=raw)["event"].get("original"), ocsf(alert, raw=raw).get("raw_data")

    assert [expected, expected] == [None if text is None else json.loads(text) for text in texts]


@pytest.mark.parametrize("name", IDENTITY)
@pytest.mark.parametrize("value", ["", "-", "a b c d e f g h", 7, ["x", "- 1"], None, "x y z /a", "1 2 3"])
def test_what_is_no_identity_is_left_out_and_breaks_nothing(name: str, value: Any) -> None:
    alert = knowing({name: value})

    assert [] == faults(ocsf(alert))
    assert "process" in ecs(alert)
