"""Files named by rules with a responder are known by their numbers, as long as no other file has their path."""

import os
from pathlib import Path

import pytest

from mozu.core.filter.comparison import Comparison
from mozu.core.filter.formula import Formula, all_of, negation
from mozu.core.language.conditions import FieldRef
from mozu.core.respond.named_files import NamedFiles, paths_in


def compared(field: str, op: str, *values: str) -> Formula:
    return Comparison(FieldRef(field), op, values)


@pytest.fixture
def trap(tmp_path: Path) -> Path:
    path = Path(os.path.realpath(tmp_path)) / "trap"
    path.write_text("bait")
    return path


def inodes(files: NamedFiles) -> dict[int, str]:
    return {inode: path for (_, inode), path in files.look().items()}


def test_paths_of_a_condition_are_those_of_what_was_reached() -> None:
    reached = compared("fd.realpath", "in", "/srv/a", "/srv/b"), negation(compared("fd.paths", "=", "/srv/c"))
    others = compared("fd.name", "=", "/d"), compared("fd.realpath", "startswith", "/e"), compared("fd.paths", "=", "f")
    globbed = compared("fd.paths", "pmatch", "/home/*/key", "/srv/g")
    assert paths_in(all_of((*reached, *others, globbed))) == {"/srv/a", "/srv/b", "/srv/c", "/srv/g"}


def test_a_file_has_the_numbers_that_stat_says_whatever_links_it_has(trap: Path) -> None:
    trap.with_name("linked").hardlink_to(trap)
    assert inodes(NamedFiles([str(trap), str(trap.with_name("none"))])) == {trap.stat().st_ino: str(trap)}


def test_a_file_that_takes_the_path_takes_its_place(trap: Path) -> None:
    files = NamedFiles([str(trap)])
    files.look()
    other = trap.with_name("other")
    other.write_text("bait")
    number = other.stat().st_ino
    other.rename(trap)
    assert inodes(files) == {number: str(trap)}


def test_a_file_that_is_renamed_or_deleted_stays_known(trap: Path) -> None:
    files, number = NamedFiles([str(trap)]), trap.stat().st_ino
    files.look()
    trap.rename(trap.with_name("away"))
    assert inodes(files) == {number: str(trap)}
    trap.with_name("away").unlink()
    assert inodes(files) == {number: str(trap)}


def test_what_a_link_leads_to_is_not_the_file_that_is_named(trap: Path) -> None:
    folder = trap.with_name("folder")
    folder.symlink_to(trap.parent)
    trap.with_name("link").symlink_to(trap)
    assert inodes(NamedFiles([str(folder / "trap"), str(trap.with_name("link"))])) == {}


def test_what_is_no_regular_file_is_not_named(trap: Path) -> None:
    os.mkfifo(trap.with_name("fifo"))
    assert inodes(NamedFiles([str(trap.parent), str(trap.with_name("fifo"))])) == {}


def test_what_takes_the_path_and_is_no_regular_file_ends_the_name(trap: Path) -> None:
    files = NamedFiles([str(trap)])
    files.look()
    trap.unlink()
    trap.symlink_to("/etc/hostname")
    assert inodes(files) == {}
