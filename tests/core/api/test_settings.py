"""The common settings of all plugins."""

import os
from pathlib import Path

import pytest
from pydantic import Field, ValidationError

from mozu.core.api import Settings


class Paths(Settings):
    one: Path
    some: tuple[Path, ...] = ()
    named: dict[str, list[Path]] = Field({}, description="Several.")
    absent: Path | None = None
    text: str = "a/b"


def test_relative_paths_are_those_of_the_directory_in_which_the_settings_were_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = Paths.model_validate({"one": "a", "some": ["b/c", "/d"], "named": {"e": ["f", ".."]}})
    monkeypatch.chdir("/")
    assert found == Paths(
        one=tmp_path / "a", some=(tmp_path / "b/c", Path("/d")), named={"e": [tmp_path / "f", tmp_path / ".."]}
    )
    assert (found.absent, found.text) == (None, "a/b")


def test_a_relative_path_in_a_directory_that_is_gone_is_a_mistake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    try:
        with pytest.raises(ValidationError, match="the working directory is gone; give an absolute path"):
            Paths.model_validate({"one": "a"})
        assert Paths.model_validate({"one": "/a"}).one == Path("/a")
    finally:
        os.chdir(tmp_path)
