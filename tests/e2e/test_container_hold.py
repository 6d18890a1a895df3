"""A container that its runtime does not report: its events wait, in order and up to the deadline, and no others do."""

import os
import subprocess
from pathlib import Path
from typing import Final

import pytest

from tests.storms.storm import silent_socket
from tests.support.containerd import Containerd, containerd
from tests.support.requirements import ebpf
from tests.support.running import mozu_run

__all__ = ["containerd"]

pytestmark = [pytest.mark.ebpf, pytest.mark.docker, pytest.mark.timeout(180)]

PLACE: Final = f"/mozu-{os.getpid()}"
"""Prefix of paths that do not exist and that no other program on this machine wants to read: PLACE-NAME."""
HOLD: Final = 8.0
"""Seconds for which events wait: enough to run a program of the host meanwhile, on a busy machine too."""
RULE: Final = f"""
- rule: Opened
  desc: A file of this test is opened by an image that is not allowed, or by one that is not known.
  condition: evt.type = openat and fd.name startswith {PLACE} and not container.image.repository in (allowed)
  output: "%fd.name %evt.num %container.id %container.image.repository"
  priority: WARNING
"""


def test_its_events_wait_in_order_and_those_of_the_host_do_not(containerd: Containerd, tmp_path: Path) -> None:
    """Without a file and an answer the image is unknown, not absent, and the alert says that it is late."""
    ebpf()
    (tmp_path / "rules.yaml").write_text(RULE)
    script = f"cat {PLACE}-first; cat {PLACE}-second; sleep 1000"
    with silent_socket(tmp_path) as socket:
        enricher = f"containerd: {{socket: {socket}, state: {tmp_path}/none, root: {tmp_path}/none, timeout: 60}}"
        options = ("-o", f"enrichers=[{enricher}]", "-o", f"enrichment_buffer.seconds={HOLD}")
        with mozu_run(tmp_path, "-r", str(tmp_path / "rules.yaml"), *options) as mozu:
            containerd.begin("held", command=("sh", "-c", script))
            subprocess.run(["cat", f"{PLACE}-host"], check=False, stderr=subprocess.DEVNULL)
            mozu.wait_alert(lambda one: one["output_fields"].get("fd.name") == f"{PLACE}-second", "the deadline")
            containerd.remove("held")
            statistics = mozu.stop()
    reported = [one["output_fields"] for one in mozu.alerts if one["rule"] == "Opened"]
    assert [f"{PLACE}-{name}" for name in ("host", "first", "second")] == [one["fd.name"] for one in reported]
    assert [None, None] == [one["container.image.repository"] for one in reported[1:]]
    assert ["late", "late"] == [one["container.state"] for one in reported[1:]]
    held = {one["name"]: one["value"] for one in statistics["metrics"] if one["name"].startswith("enrichment_buffer_")}
    assert held["enrichment_buffer_events_total"] == held["enrichment_buffer_timeouts_total"] >= 2
