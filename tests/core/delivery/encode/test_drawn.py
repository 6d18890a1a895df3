"""Every format encodes every drawn alert as before. After an intended difference: `python -m
tests.core.delivery.encode.drawn`.
"""

import pytest

from tests.core.delivery.encode.drawn import FILE, NAMES, encoded
from tests.support import golden
from tests.support.utc import utc

__all__ = ["utc"]


@pytest.mark.parametrize("name", NAMES)
def test_of_each_alert_the_same_record_is_made(name: str) -> None:
    assert golden.first_difference(golden.kept(FILE)[name], encoded(name)) == ""
