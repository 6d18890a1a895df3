"""Alerts drawn at random, and the output of each format for them.

python -m tests.core.delivery.encode.drawn    writes tests/data/encodings/ again, after an intended change
"""

import os
import time
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from mozu.core.delivery.encode.formats import FORMATS
from mozu.core.delivery.encode.product import version
from mozu.core.model.alert import Alert, Stamp
from tests.core.delivery.encode.corners import corners
from tests.core.delivery.encode.made import STAMP, connecting, hostile, plain, reading
from tests.support import golden
from tests.support.requirements import DATA

FILE: Final = DATA / "encodings" / "drawn.txt.xz"
_ALERTS: Final = 150
_OTHERWISE: Final[dict[str, tuple[dict[str, Any], ...]]] = {
    "falco": ({"iso_time": True},),
    "json": (
        {"iso_time": True, "base64_bytes": True, "message": True},
        {"output": False, "output_fields": False, "tags": False},
    ),
    "compact": ({"color": True},),
    "ecs": ({"labels": False, "attack": "18"},),
    "ocsf": ({"unmapped": False, "attack": "18"},),
    "cef": ({"vendor": "a|b\\c", "product": "d=e\n", "attack": "18"},),
    "cloudevents": ({"type": "com.example.\u0007"},),
}
"""Format → settings that differ from its defaults."""
WAYS: Final = tuple((name, settings) for name in FORMATS for settings in ({}, *_OTHERWISE[name]))
NAMES: Final = {f"{name} {settings}": (name, settings) for name, settings in WAYS}


def encoded(name: str) -> Iterator[str]:
    """Yield each alert encoded, once with a stamp and once without."""
    form, settings = NAMES[name]
    declared = FORMATS[form]
    encoder = declared.build(declared.settings(**settings))
    own = version().encode()
    for number, (alert, stamp) in enumerate(_alerts()):
        yield f"# alert {number}"
        for what, given in (("stamped", stamp), ("alone", None)):
            yield golden.line(what, repr(encoder.encode(alert, given).replace(own, b"VERSION")))


def _alerts() -> Iterator[tuple[Alert, Stamp]]:
    for one in (plain(), connecting(), reading()):
        yield one, STAMP
        yield msgspec.structs.replace(one, rule_id="MZ-0007", next="look at it", incomplete=("docker", "k8s")), STAMP
        for key in one.enrichment:
            less = {name: value for name, value in one.enrichment.items() if name != key}
            yield msgspec.structs.replace(one, enrichment=less), STAMP
    for one, stamp in hostile(_ALERTS, seed=76):
        if max(len(repr(one)), len(stamp.agent)) < 10_000:  # a text of 64 KB shows no more than a short one
            yield one, stamp
    for one in corners():
        yield one, STAMP


if __name__ == "__main__":
    os.environ["TZ"] = "UTC"
    time.tzset()
    golden.write(FILE, {name: encoded(name) for name in NAMES})
