"""The formats by name: mozu's own, and those of plugins."""

import pytest
from msgspec.structs import replace

from mozu.core.delivery.encode import FORMATS, Formats

OWN = ["falco", "json", "compact", "ecs", "ocsf", "cef", "cloudevents"]


def test_the_formats_of_plugins_come_behind_mozus_own() -> None:
    brought = {"csv": replace(FORMATS["json"], name="csv")}
    formats = Formats(brought)
    assert ([*OWN, "csv"], 8, 7) == ([*formats], len(formats), len(FORMATS))
    assert (brought["csv"], FORMATS["ecs"]) == (formats["csv"], formats["ecs"])
    assert [True, True, False] == [name in formats for name in ("csv", "ecs", "xml")]
    with pytest.raises(KeyError):
        formats["xml"]
