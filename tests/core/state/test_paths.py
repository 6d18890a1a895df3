import pytest

from mozu.core.state.paths import directory, join, normal, without_deleted


@pytest.mark.parametrize(
    ("base", "path", "expected"),
    [
        ("/a/", "b", "/a/b"),
        ("/a/", "/b", "/b"),
        ("/a/", "", ""),
        ("/a/", "../../b", "/b"),
        ("/a/", "b/.", "/a/b"),
        ("/a/", ".hidden", "/a/.hidden"),
        ("/a/", "..hidden", "/a/..hidden"),
        ("/a/", "b/...", "/a/b/..."),
        ("<UNKNOWN>", "b", "<UNKNOWN>b"),
        ("<UNKNOWN>", "./b", "<UNKNOWN>./b"),
        ("", "b/../c", "c"),
        ("/a/", "b\udcff/", "/a/b\udcff"),
    ],
)
def test_a_path_is_joined_by_its_text(base: str, path: str, expected: str) -> None:
    assert expected == join(base, path)


@pytest.mark.parametrize(
    ("path", "expected"), [("/", "/"), ("/..", "/"), ("//", "/"), ("/a//b/", "/a/b"), ("", ""), (".", ""), ("..", "")]
)
def test_a_path_is_made_normal(path: str, expected: str) -> None:
    assert expected == normal(path)


def test_a_very_long_path_is_kept_whole() -> None:
    path = "/".join(["d" * 200] * 40)
    assert "/" + path == join("/", path)


def test_a_directory_ends_with_a_slash() -> None:
    assert ("/", "/a/", "/a/") == (directory("/"), directory("/a"), directory("/a/"))


def test_the_mark_of_a_deleted_file_is_no_part_of_its_name() -> None:
    assert ("/a", "/a (deleted) b") == (without_deleted("/a (deleted)"), without_deleted("/a (deleted) b"))
