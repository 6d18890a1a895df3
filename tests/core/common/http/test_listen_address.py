"""Listen addresses, as settings write them."""

import pytest

from mozu.core.common.http.listen_address import ListenAddress


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("127.0.0.1:2801", ListenAddress("127.0.0.1", 2801)),
        ("[::1]:0", ListenAddress("::1", 0)),
        ("localhost:80", ListenAddress("localhost", 80)),
        ("unix:/run/mozu/http.sock", ListenAddress(path="/run/mozu/http.sock")),
    ],
)
def test_an_address_is_read(text: str, expected: ListenAddress) -> None:
    assert expected == ListenAddress.parse(text, unix=True)
    assert expected.is_local


@pytest.mark.parametrize("text", ["", "2801", ":2801", "127.0.0.1:", "127.0.0.1:70000", "127.0.0.1:٣", "unix:relative"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be an"):
        ListenAddress.parse(text, unix=True)


def test_a_path_that_the_kernel_could_not_take_is_refused() -> None:
    with pytest.raises(ValueError, match="at most 107 bytes"):
        ListenAddress.parse("unix:/" + "x" * 107, unix=True)


def test_a_path_is_an_address_only_where_it_may_be_one() -> None:
    with pytest.raises(ValueError, match="must be an address and a port"):
        ListenAddress.parse("unix:/run/mozu.sock")


def test_all_addresses_of_a_machine_are_not_local() -> None:
    assert not ListenAddress.parse("0.0.0.0:80").is_local
    assert not ListenAddress.parse("mozu.example:80").is_local
