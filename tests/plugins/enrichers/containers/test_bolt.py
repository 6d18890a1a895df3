"""Bolt databases as their programs write them, and damaged ones."""

import os
from pathlib import Path

import pytest

from mozu.plugins.enrichers.containers.bolt import BoltBucket, BoltError, read_bolt
from tests.plugins.enrichers.containers.bolt_file import Bucket, meta, write_bolt

CONTENT: Bucket = {"v1": {f"key-{number:03}": b"%d" % number for number in range(40)}, "other": {"a": b"x" * 9000}}


def read(root: BoltBucket) -> tuple[bytes | None, bytes | None]:
    bucket = root.bucket("v1")
    assert bucket is not None
    return bucket.get("key-017"), bucket.get("key-0")


def test_a_key_is_found_through_the_tree_and_another_is_not(tmp_path: Path) -> None:
    write_bolt(tmp_path / "db", CONTENT)
    assert (b"17", None) == read_bolt(tmp_path / "db", read)


def test_a_value_may_be_larger_than_a_page(tmp_path: Path) -> None:
    write_bolt(tmp_path / "db", CONTENT)

    def large(root: BoltBucket) -> bytes | None:
        bucket = root.bucket("other")
        return None if bucket is None else bucket.get("a")

    assert b"x" * 9000 == read_bolt(tmp_path / "db", large)


def test_small_buckets_stand_within_their_parents(tmp_path: Path) -> None:
    write_bolt(tmp_path / "db", {"v1": {"key-017": b"17"}}, inline=True)
    assert (b"17", None) == read_bolt(tmp_path / "db", read)


def test_keys_and_buckets_are_listed_in_order(tmp_path: Path) -> None:
    write_bolt(tmp_path / "db", {"c": b"3", "a": b"1", "b": {"x": b""}, "d": {"y": b""}})
    found = read_bolt(tmp_path / "db", lambda root: ([*root.items()], [*root.buckets()]))
    assert ([("a", b"1"), ("c", b"3")], ["b", "d"]) == found


def test_what_is_a_bucket_is_no_value_and_the_other_way_round(tmp_path: Path) -> None:
    write_bolt(tmp_path / "db", {"a": b"1", "b": {"x": b""}})
    assert (None, None) == read_bolt(tmp_path / "db", lambda root: (root.get("b"), root.bucket("a")))


def test_a_database_that_is_written_meanwhile_is_read_again(tmp_path: Path) -> None:
    place = tmp_path / "db"
    write_bolt(place, {"v1": {"key-017": b"old"}})
    seen: list[bytes | None] = []

    def change(root: BoltBucket) -> bytes | None:
        bucket = root.bucket("v1")
        seen.append(None if bucket is None else bucket.get("key-017"))
        if len(seen) == 1:
            write_bolt(place, {"v1": {"key-017": b"new"}}, transaction=6)
        return seen[-1]

    assert (b"new", [b"old", b"new"]) == (read_bolt(place, change), seen)


def test_one_that_is_written_all_the_time_is_given_up(tmp_path: Path) -> None:
    place = tmp_path / "db"
    write_bolt(place, {})
    count = iter(range(100))

    def change(_: BoltBucket) -> None:
        write_bolt(place, {}, transaction=6 + next(count))

    with pytest.raises(BoltError, match="was changed while it was read"):
        read_bolt(place, change)


@pytest.mark.parametrize("damage", [b"", b"\0" * 8192, os.urandom(8192), meta(7, 3, number=0) * 2], ids=range(4))
def test_what_is_no_database_is_an_error_and_nothing_worse(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "db").write_bytes(damage)
    with pytest.raises(BoltError, match=r"meta page|no bolt database"):
        read_bolt(tmp_path / "db", read)


def test_a_bit_that_is_wrong_anywhere_raises_nothing_but_oserror(tmp_path: Path) -> None:
    place = tmp_path / "db"
    write_bolt(place, CONTENT)
    whole = place.read_bytes()
    outcomes = set()
    for at in range(2 * 4096, len(whole), 61):
        place.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        try:
            read_bolt(place, lambda root: [*(root.bucket("v1") or root).items()])
            outcomes.add("read")
        except OSError:
            outcomes.add("refused")
    assert "read" in outcomes
