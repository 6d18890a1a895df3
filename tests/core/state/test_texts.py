import pytest

from mozu.core.state.texts import cgroups, words


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, ()),
        (b"", ()),
        (b"a\0", ("a",)),
        (b"a", ("a",)),
        (b"a\0\0b\0", ("a", "", "b")),
        (b"\0", ("",)),
        (b"\xff\0", ("\udcff",)),
    ],
)
def test_a_list_is_split_at_its_nuls(value: bytes | None, expected: tuple[str, ...]) -> None:
    assert expected == words(value)


def test_cgroups_are_pairs_under_the_names_of_proc() -> None:
    raw = b"cpu=/a\0mem_cgroup=/b\0io=/c\0perf=/d=e\0"
    assert (("cpu", "/a"), ("memory", "/b"), ("blkio", "/c"), ("perf_event", "/d=e")) == cgroups(raw)


def test_a_hierarchy_without_a_controller_has_its_name() -> None:
    assert (("name=systemd", "/a=b"), ("cpu", "/c")) == cgroups(b"name=systemd=/a=b\0cpu=/c\0")


def test_cgroups_that_are_no_pairs_are_none() -> None:
    assert () == cgroups(b"cpu=/a\0nonsense\0")
