"""The directories in which a change makes a path lead elsewhere."""

import os
from collections.abc import Sequence
from pathlib import Path

from mozu.core.common.path_steps import ANY, steps, steps_of_pattern


def test_the_way_to_a_file_leads_through_links_and_ends_where_it_does_not_exist(tmp_path: Path) -> None:
    (tmp_path / "real/deep").mkdir(parents=True)
    (tmp_path / "link").symlink_to("real/../real/deep")
    (tmp_path / "loop").symlink_to("loop")

    def way(place: str) -> Sequence[str]:
        return [
            os.path.relpath(os.path.join(*step), tmp_path) for step in steps(tmp_path / place)
            if step[0].startswith(str(tmp_path))
        ]  # fmt: skip

    assert ["link", "real", "real", "real/deep", "real/deep/x.yaml"] == way("link/x.yaml")
    assert ["absent"] == way("absent/x.yaml")
    assert 41 == len(way("loop"))


def test_a_pattern_has_the_ways_of_all_that_it_finds_and_every_name_where_more_may_come(tmp_path: Path) -> None:
    for user in ("one", "two"):
        (tmp_path / "home" / user).mkdir(parents=True)
    (tmp_path / "home/two/.local").mkdir()
    found = set(steps_of_pattern(f"{tmp_path}/home/*/.local/share"))
    ours = {(os.path.relpath(place, tmp_path), name) for place, name in found if place.startswith(str(tmp_path))}
    two = {("home", "two"), ("home/two", ".local"), ("home/two/.local", "share")}
    assert {(".", "home"), ("home", ANY), ("home", "one"), ("home/one", ".local"), *two} == ours


def test_a_pattern_whose_directory_is_not_there_has_the_way_to_it(tmp_path: Path) -> None:
    assert (str(tmp_path), "home") == list(steps_of_pattern(f"{tmp_path}/home/*/storage"))[-1]
