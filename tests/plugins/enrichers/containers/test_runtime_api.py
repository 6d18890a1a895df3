"""Reports on an API that does not answer, and on a socket that refuses."""

import grp
import logging
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from mozu.core.common.unix_socket import is_socket
from mozu.plugins.enrichers.containers.runtime_api import RuntimeApi, is_directory, refusal, remedy


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "api.sock"))
        yield tmp_path / "api.sock"


def group() -> str:
    return grp.getgrgid(os.getgid()).gr_name


def test_a_refusal_names_the_group_that_may_connect(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.chmod(0o660)
    monkeypatch.setattr(os, "access", lambda *_, **__: False)
    assert f"mozu may not connect to {path}: mozu needs the group {group()}, or CAP_DAC_OVERRIDE" == refusal(path)


def test_where_no_group_may_connect_only_a_capability_helps(path: Path) -> None:
    path.chmod(0o600)
    assert "mozu needs CAP_DAC_OVERRIDE: no group may connect" == remedy(path)


def test_a_socket_that_lets_mozu_in_and_one_that_is_not_there_refuse_nothing(path: Path, tmp_path: Path) -> None:
    path.chmod(0o666)
    assert ["", ""] == [refusal(path), refusal(tmp_path / "none")]


def test_a_file_is_no_socket(path: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert [True, False, False] == [is_socket(one) for one in (path, tmp_path / "file", tmp_path / "none")]


def test_an_absence_and_its_end_are_said_once_each(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path.chmod(0o660)
    api = RuntimeApi(logging.getLogger("mozu.test"), "containerd", path, "files tell")
    with caplog.at_level(logging.INFO, "mozu.test"):
        for error in (PermissionError(13, "Permission denied"), TimeoutError(), None, None, TimeoutError()):
            if error is None:
                api.answered()
            else:
                api.failed(error)
    assert [
        f"containerd does not answer at {path} (Permission denied; mozu needs the group {group()}, or "
        "CAP_DAC_OVERRIDE): files tell; trying again until it does",
        f"containerd at {path} answers",
        f"containerd does not answer at {path} (TimeoutError): files tell; trying again until it does",
    ] == [one.getMessage() for one in caplog.records]


def test_what_may_not_be_looked_at_is_not_known_to_be_absent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Check with an error like that of /var/lib/containers, which only root may read."""

    def refuses(_: Path, **__: object) -> os.stat_result:
        raise PermissionError(13, "Permission denied")

    assert [False, True] == [is_directory(path) for path in (tmp_path / "none", tmp_path)]
    monkeypatch.setattr(Path, "stat", refuses)
    assert [True, True] == [is_directory(tmp_path / "none"), is_socket(tmp_path / "none")]
