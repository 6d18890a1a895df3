"""The users who can have created a file."""

import os
from pathlib import Path

import pytest

from mozu.core.common.owners import ROOT, UNKNOWN, controller_of, owner_of

USER = 65534


@pytest.fixture
def owned(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Return the map path → owner's uid, which a test fills; other paths belong to root."""
    given: dict[str, int] = {}
    real = os.lstat

    def lstat(path: str) -> os.stat_result:
        found = list(real(path))
        found[4] = given.get(path, ROOT)
        return os.stat_result(found)

    monkeypatch.setattr(os, "lstat", lstat)
    return given


def made(root: Path, *names: str) -> str:
    Path(root, *names).mkdir(parents=True)
    for number in range(len(names)):
        Path(root, *names[: number + 1]).chmod(0o755)
    return str(root)


def test_root_made_what_is_roots_all_the_way(tmp_path: Path, owned: dict[str, int]) -> None:
    assert controller_of(made(tmp_path, "docker", "id"), ("docker", "id")) == ROOT


def test_a_user_made_what_belongs_to_the_user(tmp_path: Path, owned: dict[str, int]) -> None:
    start = made(tmp_path, "user.slice", "id")
    owned[f"{start}/user.slice/id"] = USER
    assert controller_of(start, ("user.slice", "id")) == USER


def test_a_user_may_have_renamed_what_root_made_in_a_directory_of_the_users(
    tmp_path: Path, owned: dict[str, int]
) -> None:
    start = made(tmp_path, "user.slice", "id")
    owned[f"{start}/user.slice"] = USER
    assert controller_of(start, ("user.slice", "id")) == USER


def test_what_is_gone_was_made_by_who_could_write_above_it(tmp_path: Path, owned: dict[str, int]) -> None:
    start = made(tmp_path, "docker")
    assert controller_of(start, ("docker", "gone")) == ROOT
    owned[f"{start}/docker"] = USER
    assert controller_of(start, ("docker", "gone")) == USER


def test_what_was_above_it_may_have_been_anyones_once_that_is_gone(tmp_path: Path, owned: dict[str, int]) -> None:
    assert controller_of(str(tmp_path), ("user@1000.service", "gone")) == UNKNOWN


def test_a_directory_that_others_may_write_to_tells_nothing(tmp_path: Path, owned: dict[str, int]) -> None:
    start = made(tmp_path, "shared", "id")
    Path(start, "shared").chmod(0o775)
    assert controller_of(start, ("shared", "id")) == UNKNOWN
    Path(start, "shared").chmod(0o1777)
    assert controller_of(start, ("shared", "id")) == ROOT


def test_a_link_of_a_user_is_the_users_wherever_it_leads(tmp_path: Path, owned: dict[str, int]) -> None:
    start = made(tmp_path, "storage")
    Path(start, "home").symlink_to(Path(start, "storage"))
    assert owner_of(Path(start, "home")) == ROOT
    owned[f"{start}/home"] = USER
    assert owner_of(Path(start, "home")) == USER


def test_a_path_through_a_link_is_that_of_who_owns_its_target(tmp_path: Path, owned: dict[str, int]) -> None:
    start = made(tmp_path, "target", "storage")
    Path(start, "link").symlink_to(Path(start, "target"))
    owned[f"{start}/target"] = USER
    assert owner_of(Path(start, "link", "storage")) == USER


def test_what_belongs_to_mozus_own_user_is_as_good_as_roots(
    tmp_path: Path, owned: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    start = made(tmp_path, "storage")
    owned[f"{start}/storage"] = 997
    monkeypatch.setattr(os, "geteuid", lambda: 997)
    assert controller_of(start, ("storage",)) == ROOT
