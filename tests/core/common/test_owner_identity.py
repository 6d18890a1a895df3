"""Root's commands in the state directory of another user."""

import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from mozu.core.cli import invoke
from mozu.core.common.file_access import why_not_writable
from mozu.core.common.owner_identity import checks_of_command, owner_identity
from mozu.core.delivery.spool import Spool
from mozu.core.testing import alert
from tests.support.packing import packed

_OWNER = 12_345
"""Uid and gid without an account."""

pytestmark = pytest.mark.live


@pytest.fixture
def state() -> Iterator[Path]:
    """Return an empty directory of another user, in one of root's that all may pass."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        made = Path(folder) / "state"
        made.mkdir(0o700)
        os.chown(made, _OWNER, _OWNER)
        yield made


@pytest.fixture
def config(state: Path) -> str:
    """Return the path of a configuration whose sink has a spool of the other user, in which an alert waits."""
    path = state / "spool" / "siem.db"
    file = state.parent / "mozu.yaml"
    sink = {"stdout": {"id": "siem", "spool": {"path": str(path)}}}
    listen = f"unix:{state / 'http.sock'}"
    file.write_text(json.dumps({"state_dir": str(state), "http": {"listen": listen}, "sinks": [sink]}))
    with owner_identity(state / "spool"):
        spool = Spool(path)
        spool.append([packed(alert("waits"))])
        spool.close()
    return str(file)


def _strangers(state: Path) -> list[Path]:
    """Return the files in the state directory that are not its owner's."""
    return [path for path in state.rglob("*") if path.lstat().st_uid != _OWNER]


def test_spools_are_read_and_nothing_of_root_is_left(
    state: Path, config: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in (["spool", "status"], ["spool", "peek", "siem"], ["redrive"]):
        assert 0 == invoke([*command, "-c", config]), capsys.readouterr().err
    assert "waits" in capsys.readouterr().out
    assert [] == _strangers(state)
    assert (0, 0) == (os.geteuid(), os.getegid())


def test_the_switch_and_the_audit_log_belong_to_the_user_who_acts(state: Path, config: str) -> None:
    assert 0 == invoke(["responders", "off", "-c", config])
    assert 0 == invoke(["responders", "list", "-c", config])
    assert {"off", "audit.jsonl"} <= {path.name for path in state.rglob("*")}
    assert [] == _strangers(state)
    assert 0 == invoke(["responders", "on", "-c", config])


def test_a_check_does_not_blame_the_owner(state: Path, config: str, capsys: pytest.CaptureFixture[str]) -> None:
    invoke(["check", "-c", config])
    assert str(state) not in capsys.readouterr().out


def test_a_link_that_the_owner_placed_leads_to_nothing_of_root(state: Path) -> None:
    secret = state.parent / "secret"
    secret.touch(0o600)
    link = state / "off"
    link.symlink_to(secret)
    with owner_identity(link), pytest.raises(PermissionError):
        link.write_text("")


def test_an_error_in_the_block_ends_the_identity(state: Path) -> None:
    groups = os.getgroups()
    identity = owner_identity(state / "x")
    identity.__enter__()
    assert (_OWNER, _OWNER, [_OWNER]) == (os.geteuid(), os.getegid(), os.getgroups())
    assert not identity.__exit__(OSError, OSError(), None)
    assert (0, 0, groups) == (os.geteuid(), os.getegid(), os.getgroups())


@pytest.mark.parametrize("path", ["/", "/etc/none", "/none/none"])
def test_directories_of_root_change_nothing(path: str) -> None:
    with owner_identity(Path(path)):
        assert 0 == os.geteuid()


def test_a_start_of_root_is_not_checked_as_another_user(state: Path, config: str) -> None:
    reason = why_not_writable(state / "spool" / "siem.db")
    assert f"it belongs to uid {_OWNER}" in str(reason)
    with checks_of_command():
        assert why_not_writable(state / "spool" / "siem.db") is None
