"""Kills of mozu, again and again, while it delivers: what was spooled is never missing at the far end."""

import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.delivery.destinations import Destination, File, syslog, webhook
from tests.delivery.site import Site

KILLS = 200 if os.environ.get("MOZU_CHAOS") == "full" else 20

pytestmark = pytest.mark.timeout(KILLS * 20)


@pytest.fixture(params=["far_end", "file", "syslog", "webhook"])
def destination(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Destination]:
    if request.param == "webhook":
        with webhook() as found:
            yield found
    elif request.param == "syslog":
        with syslog(tmp_path) as daemon:
            yield daemon
    else:
        yield File(tmp_path, request.param)


def killed(site: Site, after: float) -> None:
    """Run mozu and kill it `after` seconds after it began to deliver."""
    before, process = site.destination.size(), site.begin()
    deadline = time.monotonic() + 60
    while site.destination.size() == before:
        assert process.poll() is None, process.stderr.read() if process.stderr else ""
        assert time.monotonic() < deadline, "nothing was delivered"
        time.sleep(0.005)
    time.sleep(after)
    process.send_signal(signal.SIGKILL)
    process.communicate()


def test_no_spooled_alert_is_missing_after_kills_at_random_moments(tmp_path: Path, destination: Destination) -> None:
    site, moments = Site(tmp_path, destination), random.Random(1)
    kills = KILLS if destination.kind == "far_end" else KILLS // 4
    for _ in range(kills):
        killed(site, moments.uniform(0, 0.2))
    site.finish(site.begin(total=0))

    deadline = time.monotonic() + 30
    while (arrived := list(site.arrived())) and len({number for _, number, _ in arrived}) < site.last():
        assert time.monotonic() < deadline, "some are missing"
        time.sleep(0.1)  # a receiver may still be writing what it has accepted
    ids: dict[int, set[str]] = {}
    for _, number, identifier in arrived:
        ids.setdefault(number, set()).add(identifier)
    assert set(range(1, site.last() + 1)) == set(ids)
    assert [] == [number for number, several in ids.items() if len(several) > 1]
    assert len(arrived) - len(ids) <= kills * 500, "a kill repeats at most what one delivery held"


def announced(site: Site) -> set[int]:
    """Return the numbers that were announced to the far end as dropped."""
    found: set[int] = set()
    for document in site.far_end.documents():
        if document["rule"] == "Alerts dropped":
            for one in document["output_fields"]["numbers"].split(","):
                first, _, last = one.partition("-")
                found.update(range(int(first), int(last or first) + 1))
    return found


def test_every_number_that_was_dropped_right_before_a_kill_is_announced(tmp_path: Path) -> None:
    """The spool is full all the time, because its destination is slow."""
    slow = File(tmp_path, "far_end")
    slow.settings["pause"] = 0.5
    site, moments = Site(tmp_path, slow, bytes=65_536), random.Random(2)
    for _ in range(KILLS // 2):
        killed(site, moments.uniform(0, 1))
    site.finish(site.begin(total=0))

    arrived = {number for _, number, _ in site.arrived()}
    missing = set(range(1, site.last() + 1)) - arrived
    assert missing == announced(site)
    assert missing, "nothing was dropped"
