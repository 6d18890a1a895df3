"""Events of a recording that are about a container."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.oracle.capture import Capture
from tests.oracle.engine import run
from tests.oracle.scenario import Scenario

WEB, SHOP = "a" * 64, "b" * 64
_FIELDS = (
    "container.id", "container.full_id", "container.name", "container.type", "container.image.repository",
    "container.privileged", "container.label[tier]", "k8s.pod.name", "container.start_ts",
)  # fmt: skip


def record(full_id: str, name: str, **more: object) -> bytes:
    known = {"id": full_id[:12], "full_id": full_id, "name": name, "type": 7, **more}
    return json.dumps({"container": known}).encode() + b"\0"


def machine() -> Capture:
    """Return a machine whose process 5 is in the container WEB; events have begun."""
    capture = Capture().machine().process(1, "init").process(5, "nginx", cgroups=(f"cpu=/docker/{WEB}",))
    return capture.event("chdir", 5, 0, "/")


def judged(capture: Capture, folder: Path, condition: str, fields: Sequence[str] = _FIELDS) -> list[list[object]]:
    """Return the fields of each event that the condition matches."""
    (folder / "a.scap").write_bytes(capture.raw())
    output = " ".join(f"%{name}" for name in fields)
    rule = {"rule": "r", "desc": "d", "condition": condition, "output": output, "priority": "INFO"}
    (folder / "a.rules.yaml").write_text(json.dumps([rule]))
    scenario = Scenario(
        name="a", theme="", capture=folder / "a.scap", rules=(folder / "a.rules.yaml",), settings={}, hosts={},
        expected=(), text=None, suggested_output=False,
    )  # fmt: skip
    found = run(scenario)
    assert not found.error
    return [[alert.values[name] for name in fields] for alert in found.alerts]


def test_its_fields_are_those_of_the_container_that_it_describes(tmp_path: Path) -> None:
    more = {"imagerepo": "shop/api", "labels": {"tier": "back", "io.kubernetes.pod.name": "api-1"}, "privileged": True}
    capture = machine().event("asyncevent", 5, 0, "container", record(SHOP, "api", **more))

    assert judged(capture, tmp_path, "evt.type = container") == [
        [SHOP[:12], SHOP, "api", "containerd", "shop/api", True, "back", "api-1", None]
    ]


def test_a_record_that_comes_late_changes_what_its_processes_read_only_afterwards(tmp_path: Path) -> None:
    capture = machine().event("asyncevent", 1, 0, "container", record(WEB, "web")).event("chdir", 5, 0, "/tmp")

    found = judged(capture, tmp_path, "evt.type in (chdir, container)", ("evt.type", "container.id", "container.name"))

    assert found == [["chdir", WEB[:12], None], ["container", WEB[:12], "web"], ["chdir", WEB[:12], "web"]]


def test_the_record_of_a_container_that_is_removed_names_it_for_the_last_time(tmp_path: Path) -> None:
    capture = machine().event("asyncevent", 1, 0, "container", record(WEB, "web"))
    capture.event("asyncevent", 1, 0, "container_removed", record(WEB, "web")).event("chdir", 5, 0, "/tmp")

    found = judged(capture, tmp_path, "evt.type in (chdir, container_removed)", ("evt.type", "container.name"))

    assert found == [["chdir", None], ["container_removed", "web"], ["chdir", None]]


def test_records_of_the_older_kind_are_read_the_same(tmp_path: Path) -> None:
    capture = machine().event("container", 5, record(SHOP, "api")[:-1].decode())

    assert judged(capture, tmp_path, "evt.type = container", ("container.id", "container.name")) == [[SHOP[:12], "api"]]


def test_an_event_whose_record_cannot_be_read_is_in_no_container(tmp_path: Path) -> None:
    capture = machine().event("asyncevent", 5, 0, "container", b"{\0").event("asyncevent", 1, 0, "container", b"")

    assert judged(capture, tmp_path, "evt.type = container", ("container.id",)) == [[None], [None]]


def test_an_id_that_is_no_digest_is_shown_as_the_record_has_it(tmp_path: Path) -> None:
    capture = machine().event("asyncevent", 1, 0, "container", record("x", "box", id="a-box-with-a-long-name", type=1))

    found = judged(capture, tmp_path, "evt.type = container", ("container.id", "container.type", "container.name"))

    assert found == [["a-box-with-a-long-name", "lxc", "box"]]


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/lxc.payload.a-box-with-a-long-name", "a-box-with-a-long-name"),
        ("/default/a-task-with-a-long-name", "a-task-with-"),
    ],
)
def test_names_of_containers_without_metadata_are_whole_where_falco_cuts_none(
    path: str, shown: str, tmp_path: Path
) -> None:
    capture = Capture().machine().process(5, "sh", cgroups=(f"cpu={path}",)).event("chdir", 5, 0, "/")

    assert judged(capture, tmp_path, "evt.type = chdir", ("container.id",)) == [[shown]]


@pytest.mark.parametrize(
    ("cgroups", "named"),
    [
        (("cpu=/system.slice/a.service/b/c", f"memory=/docker/{WEB}"), "a.service/b/"),
        ((f"cpu=/docker/{WEB}", f"memory=/docker/{SHOP}"), WEB[:12]),
        ((f"memory=/docker/{SHOP}", f"cpu=/docker/{WEB}"), SHOP[:12]),
        (("cpu=/", "memory=/user.slice", f"pids=/docker/{WEB}"), WEB[:12]),
    ],
)
def test_of_controllers_that_disagree_the_first_recorded_one_names_the_container(
    cgroups: tuple[str, ...], named: str, tmp_path: Path
) -> None:
    capture = Capture().machine().process(5, "sh", cgroups=cgroups).event("chdir", 5, 0, "/")

    assert judged(capture, tmp_path, "evt.type = chdir", ("container.id",)) == [[named]]
