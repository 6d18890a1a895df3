"""podman's database, in both of its forms."""

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from mozu.plugins.enrichers.containers.podman.database import PodmanDatabase
from tests.plugins.enrichers.containers.bolt_file import write_bolt

ID, POD, INFRA = "a" * 64, "b" * 64, "c" * 64
CONFIG = json.dumps({"id": ID, "labels": {"app": "web"}, "pod": POD, "healthcheck": {"Test": ["CMD-SHELL", "true"]}})
STATE = json.dumps(
    {
        "startedTime": "2026-11-28T09:09:58.775108622Z",
        "networkStatus": {"podman": {"interfaces": {"eth0": {"subnets": [{"ipnet": "10.88.0.7/16"}]}}}},
    }
)
POD_CONFIG, POD_STATE = json.dumps({"id": POD, "name": "nest"}), json.dumps({"InfraContainerID": INFRA})


def put_bolt(storage: Path) -> None:
    (storage / "libpod").mkdir()
    container = {"config": CONFIG.encode(), "state": STATE.encode(), "pod-id": POD.encode()}
    pod = {"config": POD_CONFIG.encode(), "state": POD_STATE.encode()}
    write_bolt(storage / "libpod" / "bolt_state.db", {"ctr": {ID: {**container}}, "pod": {POD: {**pod}}})


def put_sqlite(storage: Path) -> None:
    with closing(sqlite3.connect(storage / "db.sql")) as database:
        for table, columns in (
            ("ContainerConfig", "ID, Name, PodID, JSON"), ("ContainerState", "ID, State, ExitCode, JSON"),
            ("PodConfig", "ID, Name, JSON"), ("PodState", "ID, InfraContainerId, JSON"),
        ):  # fmt: skip
            database.execute(f"CREATE TABLE {table} ({columns})")
        database.execute("INSERT INTO ContainerConfig VALUES (?, 'web', ?, ?)", (ID, POD, CONFIG))
        database.execute("INSERT INTO ContainerState VALUES (?, 3, 0, ?)", (ID, STATE))
        database.execute("INSERT INTO PodConfig VALUES (?, 'nest', ?)", (POD, POD_CONFIG))
        database.execute("INSERT INTO PodState VALUES (?, ?, ?)", (POD, INFRA, POD_STATE))
        database.commit()


@pytest.mark.parametrize("put", [put_bolt, put_sqlite])
def test_labels_address_pod_and_health_check_are_reported(tmp_path: Path, put: object) -> None:
    assert callable(put)
    put(tmp_path)
    found = PodmanDatabase(tmp_path).find(ID)
    assert found is not None
    assert ({"app": "web"}, "10.88.0.7", ("CMD-SHELL", "true")) == (found.labels, found.ip, found.healthcheck)
    assert (POD, "nest", INFRA) == (found.pod_id, found.pod_name, found.infra_id)
    assert 1_795_856_998 == found.started // 1_000_000_000
    assert PodmanDatabase(tmp_path).find("f" * 64) is None


def test_without_a_database_nothing_is_known(tmp_path: Path) -> None:
    assert PodmanDatabase(tmp_path).find(ID) is None


def test_a_users_database_of_anything_costs_a_bounded_time(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "db.sql")) as database:
        database.execute(
            "CREATE VIEW ContainerConfig AS WITH RECURSIVE n(ID) AS (SELECT 1 UNION ALL SELECT ID + 1 FROM n) "
            "SELECT ID, ID AS PodID, ID AS JSON FROM n"
        )
        for table in ("ContainerState", "PodConfig", "PodState"):
            database.execute(f"CREATE TABLE {table} (ID, JSON)")
        database.commit()
    assert PodmanDatabase(tmp_path).find(ID) is None


def test_a_link_is_not_followed_and_a_pipe_is_not_opened(tmp_path: Path) -> None:
    put_sqlite(tmp_path)
    other = tmp_path / "other"
    (other / "libpod").mkdir(parents=True)
    (other / "db.sql").symlink_to(tmp_path / "db.sql")
    os.mkfifo(other / "libpod" / "bolt_state.db")
    assert PodmanDatabase(other).find(ID) is None
