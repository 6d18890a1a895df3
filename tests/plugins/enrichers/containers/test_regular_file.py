import os
from pathlib import Path

import pytest

from mozu.plugins.enrichers.containers.regular_file import directories, read_regular


def test_a_regular_file_is_read_whole(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x" * 10)
    assert b"x" * 10 == read_regular(tmp_path / "file", 10)


def test_a_file_that_is_too_large_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x" * 11)
    with pytest.raises(OSError, match="no regular file of at most 10 bytes"):
        read_regular(tmp_path / "file", 10)


def test_a_pipe_is_an_error_and_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="no regular file"):
        read_regular(tmp_path / "pipe")


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/etc/passwd")
    with pytest.raises(OSError, match="symbolic links"):
        read_regular(tmp_path / "link")


def test_only_directories_are_listed_and_none_of_what_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("one")
    assert ["one"] == list(directories(tmp_path))
    assert [] == list(directories(tmp_path / "none"))
