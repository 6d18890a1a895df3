import pytest

from mozu.core.common.containers.addresses import first_ipv4


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["fd00::2/64", "10.4.0.2/24", "10.4.0.3/24"], "10.4.0.2"),
        (["10.4.0.2"], "10.4.0.2"),
        (["", "none", "10.4.0.2/33", "10.4.0.9/32"], "10.4.0.9"),
        (["fd00::2/64"], ""),
        ([], ""),
    ],
)
def test_the_first_ipv4_address_is_given_without_its_prefix(texts: list[str], expected: str) -> None:
    assert expected == first_ipv4(texts)
