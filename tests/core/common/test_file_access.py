"""Obstacles to writing a file, found without leaving a trace."""

import os
import socket
from pathlib import Path

import pytest

from mozu.core.common import file_access
from mozu.core.common.file_access import why_no_socket, why_not_made, why_not_writable


def test_a_file_that_can_be_written_or_made_has_nothing_in_its_way(tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.write_text("kept")
    before = there.stat()
    assert (None, None) == (why_not_writable(there), why_not_writable(tmp_path / "new"))
    assert why_not_writable(tmp_path / "a/b/new", makes_folders=True) is None
    assert ["there"] == [path.name for path in tmp_path.iterdir()], "something was made"
    assert ("kept", before.st_mtime_ns) == (there.read_text(), there.stat().st_mtime_ns)


def test_what_is_in_the_way_is_named(tmp_path: Path) -> None:
    file, folder, pipe = tmp_path / "file", tmp_path / "folder", tmp_path / "pipe"
    file.touch()
    folder.mkdir()
    os.mkfifo(pipe)
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "none/target")
    assert f"{folder} is a directory; name a file in it" == why_not_writable(folder)
    assert f"{pipe} is not a regular file" == why_not_writable(pipe)
    assert f"{file}/x cannot be written: Not a directory" == why_not_writable(file / "x")
    missing = tmp_path / "none/file"
    text = f"{missing} cannot be written, for {missing.parent} is no directory: make it"
    assert (text, text) == (why_not_writable(missing), why_not_made(missing))
    assert f"for {tmp_path}/none is no directory" in str(why_not_writable(link)), "where the link leads"


@pytest.mark.skipif(os.access("/etc/shadow", os.W_OK), reason="this user may write anything")
def test_missing_permissions_are_named(tmp_path: Path) -> None:
    shut = tmp_path / "shut"
    shut.mkdir(mode=0o500)
    try:
        assert f"{shut}/x cannot be made in {shut}: Permission denied" == why_not_writable(shut / "x")
    finally:
        shut.chmod(0o700)


def test_a_socket_where_nothing_listens_is_named(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    assert f"{path} cannot be connected to: No such file or directory" == why_no_socket(path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(path))
        assert why_no_socket(path) is None
    assert f"{path} cannot be connected to: Connection refused" == why_no_socket(path)


@pytest.mark.parametrize("path", ["/proc/nope/alerts.jsonl", "/sys/kernel/alerts.jsonl"])
def test_a_file_system_of_the_kernel_holds_no_files_whatever_its_permissions_say(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_access, "may", lambda path, mode: True)  # the same as for root

    found = why_not_made(Path(path), makes_folders=True) or ""

    assert "holds no files" in found or "Permission denied" in found
