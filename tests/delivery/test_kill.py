"""mozu killed again and again while it delivers: what was spooled is never missing at the far end."""

import os
import random
import signal
import time
from pathlib import Path

import pytest

from tests.delivery.site import Site

KILLS = 200 if os.environ.get("MOZU_CHAOS") == "full" else 20

pytestmark = pytest.mark.timeout(KILLS * 10)

@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def killed(site: Site, after: float) -> None:
    """One run that is killed `after` seconds after it began to deliver."""
    before, process = site.size(), site.begin()
    deadline = time.monotonic() + 60
    while site.size() == before:
        assert process.poll() is None, process.stderr.read() if process.stderr else ""
        assert time.monotonic() < deadline, "nothing was delivered"
        time.sleep(0.005)
    time.sleep(after)
    process.send_signal(signal.SIGKILL)
    process.communicate()


def test_no_spooled_alert_is_missing_after_kills_at_random_moments(site: Site) -> None:
    moments = random.Random(1)
    for _ in range(KILLS):
        killed(site, moments.uniform(0, 0.2))
    site.finish(site.begin(total=0))

    ids: dict[int, set[str]] = {}
    for _, number, identifier in site.arrived():
        ids.setdefault(number, set()).add(identifier)
    assert set(range(1, site.last() + 1)) == set(ids)
    assert [] == [number for number, several in ids.items() if len(several) > 1]
