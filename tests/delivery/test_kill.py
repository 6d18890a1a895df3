"""mozu killed again and again while it delivers: what was spooled is never missing at the far end."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mozu.core.spool import Spool
from tests.support.requirements import ROOT

KILLS = 200 if os.environ.get("MOZU_CHAOS") == "full" else 20

pytestmark = pytest.mark.timeout(KILLS * 10)

CONFIG = """
plugins: [far_end]
sources: [numbers: {{total: {total}}}]
enrichers: []
evaluators: []
sinks:
  - far_end: {{path: {out}, pause: 0.002, format: json, spool: {{path: {spool}}}}}
"""


class Site:
    """A folder with the plugin, a configuration, the spool and the file at the far end."""

    def __init__(self, folder: Path) -> None:
        self.out, self.spool, self._config = folder / "out.jsonl", folder / "spool.db", folder / "mozu.yaml"
        plugins = folder / "site"
        metadata = plugins / "mozu_far_end-1.0.dist-info"
        metadata.mkdir(parents=True)
        (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: mozu-far-end\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text("[mozu]\nfar_end = far_end\n")
        shutil.copy(ROOT / "tests/support/far_end.py", plugins)
        self._env = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{plugins}"}

    def run(self, total: int = 1_000_000_000) -> "subprocess.Popen[str]":
        self._config.write_text(CONFIG.format(total=total, out=self.out, spool=self.spool))
        command = [sys.executable, "-m", "mozu", "run", "-c", str(self._config)]
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=self._env)

    def arrived(self) -> Iterator[tuple[str, int, str]]:
        """(epoch, number, id) of each whole line; a line torn by a kill was never acknowledged."""
        for line in self.out.read_bytes().split(b"\n"):
            try:
                document = json.loads(line)
            except ValueError:
                continue
            yield document["mozu"]["epoch"], document["mozu"]["sequence"], document["uuid"]

    def size(self) -> int:
        return self.out.stat().st_size if self.out.exists() else 0


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def killed(site: Site, after: float) -> None:
    """One run that is killed `after` seconds after it began to deliver."""
    before, process = site.size(), site.run()
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
    process = site.run(total=0)
    _, log = process.communicate(timeout=60)
    assert process.returncode == 0, log

    spool = Spool(site.spool)
    last, waiting = spool.last(), spool.status().waiting
    spool.close()
    ids: dict[int, set[str]] = {}
    for _, number, identifier in site.arrived():
        ids.setdefault(number, set()).add(identifier)
    assert 0 == waiting
    assert set(range(1, last + 1)) == set(ids)
    assert [] == [number for number, several in ids.items() if len(several) > 1]
