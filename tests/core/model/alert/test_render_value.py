from typing import Any

import pytest

from mozu.core.model.alert import render_value

MAPPED = bytes(10) + b"\xff\xff" + bytes([203, 0, 113, 1])


@pytest.mark.parametrize(
    ("value", "kind", "form", "expected"),
    [
        (0o640, "uint", "octal", "640"),
        (0xFD03, "int", "hex", "FD03"),
        (7, "reltime", "padded", "000000007"),
        (-1, "reltime", "padded", "18446744073709551615"),
        (bytes([10, 0, 0, 1]), "ipaddr", "", "10.0.0.1"),
        (bytes(15) + b"\1", "ipaddr", "", "::1"),
        (MAPPED, "ipaddr", "", "::ffff:203.0.113.1"),
        (b"", "ipaddr", "", "<NA>"),
        (bytes([10, 0, 0, 1]), "ipnet", "", "<IPNET>"),
        (None, "uint", "", "<NA>"),
    ],
)
def test_a_value_prints_by_its_type_and_form(value: Any, kind: str, form: str, expected: str) -> None:
    assert expected == render_value(value, kind, form)
