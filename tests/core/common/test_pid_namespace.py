"""The pid namespace of mozu."""

from pathlib import Path

from mozu.core.common.pid_namespace import sees_all_processes


def test_a_namespace_of_its_own_has_another_inode_than_the_machines_first(tmp_path: Path) -> None:
    (tmp_path / "pid").touch()
    assert not sees_all_processes(tmp_path / "pid")


def test_where_it_cannot_be_seen_nothing_is_claimed(tmp_path: Path) -> None:
    assert sees_all_processes(tmp_path / "none")
