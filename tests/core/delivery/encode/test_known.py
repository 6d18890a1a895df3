from typing import Any

import pytest

from mozu.core.delivery.encode.known import Known
from tests.core.delivery.encode.made import connecting


@pytest.mark.parametrize(("port", "shown"), [(0, 0), (443, 443), (65535, 65535), (65536, None), (1 << 17, None)])
@pytest.mark.parametrize("end", ["fd.cport", "fd.sport"])
def test_a_port_is_a_number_of_16_bits(end: str, port: int, shown: int | None) -> None:
    alert = connecting()
    alert.enrichment[end] = port
    connection = Known(alert).connection()
    assert connection is not None
    assert shown == (connection.client_port if end == "fd.cport" else connection.server_port)


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (0, 0), (7, 7), ((1 << 63) - 1, (1 << 63) - 1), (1 << 63, None), (-1, None), (True, None), (0.5, None),
        (None, None), ("7", 7), ("9223372036854775807", (1 << 63) - 1), ("9223372036854775808", None),
        ("9" * 5_000, None), ("-7", None), ("7x", None), ("²", None), ("٧", None), ("", None), (["7"], None),
    ],
)  # fmt: skip
def test_a_number_is_not_negative_and_has_at_most_63_bits(value: Any, number: int | None) -> None:
    alert = connecting()
    alert.enrichment["proc.pid"] = value
    found = Known(alert).number("proc.pid")
    assert (number, type(number)) == (found, type(found))
