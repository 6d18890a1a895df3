"""Redaction changes each drawn alert as before. After an intended difference: `python -m
tests.core.delivery.redact.drawn`.
"""

import pytest

from tests.core.delivery.redact.drawn import FILE, NAMES, reported
from tests.support import golden


@pytest.mark.parametrize("name", NAMES)
def test_of_each_alert_the_same_is_hidden_and_counted(name: str) -> None:
    assert golden.first_difference(golden.kept(FILE)[name], reported(name)) == ""
