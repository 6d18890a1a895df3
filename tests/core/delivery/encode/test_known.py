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
