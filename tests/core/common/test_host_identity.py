"""The ids of a machine and of the mozu on it."""

from pathlib import Path

import pytest

from mozu.core.common.host_identity import agent_id, host_id

ID = "3f2a9c0d1b4e4f6a8c7d5e9b0a1c2d3e"


@pytest.fixture
def host_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "etc").mkdir()
    (tmp_path / "var/lib/dbus").mkdir(parents=True)
    monkeypatch.setenv("HOST_ROOT", str(tmp_path))
    return tmp_path


def test_it_is_the_machine_id_of_the_host_whose_root_is_in_sight(host_root: Path) -> None:
    (host_root / "etc/machine-id").write_text(f"{ID}\n")
    assert ID == host_id("node-a") == host_id("node-b")


@pytest.mark.parametrize("text", ["", "uninitialized\n", "UPPER" * 7, "\xff"])
def test_a_file_that_holds_no_id_is_passed_over(text: str, host_root: Path) -> None:
    (host_root / "etc/machine-id").write_bytes(text.encode("latin-1"))
    (host_root / "var/lib/dbus/machine-id").write_text(ID)
    assert ID == host_id("node-a")


def test_without_any_file_it_is_made_of_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mozu.core.common.host_identity._FILES", ("no/such/file",))
    found = {name: host_id(name) for name in ("node-a", "node-b", "node-\udc80")}
    assert 3 == len(set(found.values()))
    assert found["node-a"] == host_id("node-a")


def test_the_agents_id_is_not_the_hosts_and_follows_from_it() -> None:
    assert agent_id(ID) == agent_id(ID) != ID
    assert agent_id(ID) != agent_id(ID[::-1])
