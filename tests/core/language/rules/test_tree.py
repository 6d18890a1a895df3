import pytest

from mozu.core.language.rules.source import SourceFile
from mozu.core.language.rules.tree import Mapping, Node, Scalar, Sequence, YamlError, documents


def _plain(node: Node) -> object:
    if isinstance(node, Scalar):
        return None if node.null else node.text
    if isinstance(node, Sequence):
        return [_plain(item) for item in node.items]
    return [(_plain(key), _plain(value)) for key, value in node.pairs]


def _trees(text: str) -> list[object]:
    return [_plain(document) for document in documents(SourceFile("t", text))]


def _refused(text: str) -> YamlError:
    with pytest.raises(YamlError) as caught:
        _trees(text)
    return caught.value


def test_scalars_are_texts_whatever_they_look_like() -> None:
    assert [["10", "yes", "0x1F", "1.0", "2026-01-01", "null "]] == _trees("[10, yes, 0x1F, 1.0, 2026-01-01, 'null ']")


def test_nothing_without_quotes_is_null() -> None:
    assert [[None, None, None, "", "~"]] == _trees("[~, null, NULL, '', '~']")


def test_an_empty_value_is_null() -> None:
    assert [[("a", None)]] == _trees("a:")


def test_duplicate_keys_are_kept_and_the_first_is_found() -> None:
    (root,) = documents(SourceFile("t", "{a: 1, a: 2}"))

    assert isinstance(root, Mapping)
    assert "1" == _plain(root.get("a") or root)


def test_merge_keys_are_keys_like_any_other() -> None:
    assert [[[("a", "1")], [("<<", [("a", "1")]), ("b", "2")]]] == _trees("- &x {a: 1}\n- {<<: *x, b: 2}")


def test_an_anchor_may_be_defined_again() -> None:
    assert [["1", "2", "2"]] == _trees("[&a 1, &a 2, *a]")


def test_anchors_end_with_their_document() -> None:
    error = _refused("--- &a x\n--- *a")

    assert "*a" in error.message


def test_an_alias_inside_what_it_refers_to_is_refused_at_its_place() -> None:
    error = _refused("&a [x, *a]")

    assert 7 == error.offset


def test_the_place_of_a_mistake_is_reported() -> None:
    source = SourceFile("t", "- a\n- [b\n- c: d: e\n")

    with pytest.raises(YamlError) as caught:
        list(documents(source))

    assert 2 == source.place(caught.value.offset)[0]


def test_documents_before_a_mistake_are_still_read() -> None:
    read = documents(SourceFile("t", "- a\n---\n- ["))

    assert ["a"] == _plain(next(read))


def test_characters_that_yaml_forbids_are_named() -> None:
    error = _refused("- a\n- b\x07c")

    assert ("U+0007" in error.message, 7) == (True, error.offset)


@pytest.mark.parametrize(
    "deep",
    ["[" * 100_000, "{a: " * 100_000, "- " * 100_000, "? " * 100_000],
    ids=["sequences", "mappings", "entries", "keys"],
)
def test_deep_nesting_is_refused_and_not_followed(deep: str) -> None:
    assert "nesting" in _refused(deep).message


def test_aliases_of_aliases_end_as_an_error_and_not_as_a_full_memory() -> None:
    lines = ["- &l0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"- &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]" for n in range(1, 12)]

    assert "values" in _refused("\n".join(lines)).message


def test_a_line_of_ten_million_characters_is_read() -> None:
    long = "x" * 10_000_000

    assert [[long]] == _trees(f"- {long}")
