import pytest

from mozu.core.language.conditions import parse, unparse
from tests.core.language.conditions.pairs import pairs


@pytest.mark.parametrize(("condition", "expected", "_"), pairs("unparse"))
def test_the_canonical_text(condition: str, expected: str, _: None) -> None:
    assert expected == unparse(parse(condition))


@pytest.mark.parametrize(("_", "expected", "__"), pairs("unparse"))
def test_the_canonical_text_is_its_own_canonical_text(_: None, expected: str, __: None) -> None:
    assert expected == unparse(parse(expected))
