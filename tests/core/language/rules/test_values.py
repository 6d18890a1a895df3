import pytest

from mozu.core.language.rules.values import Version, boolean, priority, unsigned, version
from mozu.core.model.alert import Severity


@pytest.mark.parametrize("text", ["y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"])
def test_words_for_true(text: str) -> None:
    assert boolean(text) is True


@pytest.mark.parametrize("text", ["n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"])
def test_words_for_false(text: str) -> None:
    assert boolean(text) is False


@pytest.mark.parametrize("text", ["1", "0", "tRue", "yEs", "", "truth"])
def test_words_for_neither(text: str) -> None:
    assert boolean(text) is None


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0),
        ("15", 15),
        ("0x1F", 31),
        ("010", 8),
        ("4294967295", 4_294_967_295),
        ("4294967296", None),
        ("0x100000000", None),
        ("-1", None),
        ("1_0", None),
        ("08", None),
    ],
)
def test_unsigned_numbers(text: str, number: int | None) -> None:
    assert number == unsigned(text)


@pytest.mark.parametrize(
    ("text", "expected"), [("0.57.0", Version(0, 57, 0)), ("1.2.3-rc1", Version(1, 2, 3)), ("1.2", None), ("x", None)]
)
def test_versions(text: str, expected: Version | None) -> None:
    assert expected == version(text)


@pytest.mark.parametrize(
    ("have", "wanted", "satisfied"),
    [("0.63.0", "0.57.0", True), ("0.63.0", "0.63.1", False), ("1.0.0", "0.9.0", False), ("0.7.1", "0.7.1", True)],
)
def test_a_version_satisfies_older_ones_of_its_major_number(have: str, wanted: str, satisfied: bool) -> None:
    mine, theirs = version(have), version(wanted)

    assert mine is not None
    assert theirs is not None
    assert satisfied == mine.satisfies(theirs)


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("info", Severity.INFORMATIONAL),
        ("Informational", Severity.INFORMATIONAL),
        ("ERROR", Severity.ERROR),
        ("x", None),
    ],
)
def test_priorities_have_names_in_any_case(text: str, level: Severity | None) -> None:
    assert level == priority(text)
