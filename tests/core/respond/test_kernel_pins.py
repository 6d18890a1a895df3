"""The pins of kills and denials in the kernel, and how to end these without mozu."""

from pathlib import Path

from mozu.core.respond.kernel_pins import has_pins, pins_of, remove_pins


def test_each_state_directory_has_a_place_of_its_own(tmp_path: Path) -> None:
    places = {pins_of(tmp_path / name) for name in ("a", "b", "a")}
    assert 2 == len(places)
    assert {Path("/sys/fs/bpf/mozu")} == {place.parent for place in places}


def test_removing_ends_every_run(tmp_path: Path) -> None:
    for name in ("1-1/KILLS", "1-1/kill_0", "2-2/KILLS"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()

    before = has_pins(tmp_path)
    remove_pins(tmp_path)

    assert (True, False, []) == (before, has_pins(tmp_path), list(tmp_path.iterdir()))


def test_where_nothing_is_pinned_there_is_nothing_to_remove(tmp_path: Path) -> None:
    remove_pins(tmp_path / "missing")
    assert not has_pins(tmp_path / "missing")
