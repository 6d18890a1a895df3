"""The wall clock steps while mozu delivers: nothing waits for a time that is a day away, nothing is lost."""

import struct
import time
from pathlib import Path

import pytest

from tests.delivery.site import Site
from tests.support.build import compiled

DAY = 86_400
TOTAL = 20_000


@pytest.mark.parametrize("seconds", [DAY, -DAY])
def test_a_step_of_the_clock_during_an_outage_changes_nothing(tmp_path: Path, seconds: int) -> None:
    clock = tmp_path / "clock"
    clock.write_bytes(struct.pack("l", 0))
    library = compiled("clock", "-shared", "-fPIC")
    site = Site(tmp_path)
    process = site.begin(total=TOTAL, env={"LD_PRELOAD": str(library), "CLOCK_FILE": str(clock)})
    deadline = time.monotonic() + 60
    while site.far_end.size() == 0:
        assert process.poll() is None
        assert time.monotonic() < deadline, "nothing arrives"
        time.sleep(0.01)  # a file sends no event when it grows
    site.far_end.down.touch()
    time.sleep(0.5)  # the outage has begun, and retries are waiting
    before = site.far_end.size()
    with clock.open("r+b") as file:
        file.write(struct.pack("l", seconds))
    time.sleep(0.5)  # alerts are made, and retries fall due, under the new time
    site.far_end.down.unlink()
    sink = site.finish(process)
    days = {document["time"][:10] for document in site.far_end.documents()}
    assert 2 <= len(days), "the clock was stepped"
    assert before < site.far_end.size()
    everything = TOTAL + 2  # with the notices of start and stop
    assert list(range(1, everything + 1)) == sorted(number for _, number, _ in site.arrived())
    assert (everything, everything, {}) == (sink["accepted"], sink["delivered"], sink["dropped"])
