"""A place from which mozu delivers: a third party's plugin, a configuration, a spool, and a destination."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mozu.core.delivery.spool import Spool
from tests.delivery.destinations import Destination, File
from tests.support.requirements import ROOT
from tests.support.starvation import SLOWER, mozu_command

CONFIG = """
plugins: [far_end]
sources: [numbers: {{total: {total}}}]
enrichers: []
evaluators: []
stop_deadline: 3600
state_dir: {state}
sinks: [{sink}]
"""


class Site:
    """A site below a folder; the destination is by default the third party's."""

    def __init__(self, folder: Path, destination: Destination | None = None, **spool: Any) -> None:
        self.far_end = File(folder, "far_end")
        self.destination: Destination = destination or self.far_end
        self._config, self.stats = folder / "mozu.yaml", folder / "stats.json"
        self.spool = Path(spool.get("path", folder / "spool.db"))
        way = {"format": "json", "retry": {"longest": 0.2}, "spool": {**spool, "path": str(self.spool)}}
        self._sink = json.dumps({self.destination.kind: {**way, **self.destination.settings}})
        plugins = folder / "site"
        metadata = plugins / "mozu_far_end-1.0.dist-info"
        metadata.mkdir(parents=True)
        (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: mozu-far-end\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text("[mozu]\nfar_end = far_end\n")
        shutil.copy(ROOT / "tests/support/far_end.py", plugins)
        self._env = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{plugins}"}

    def begin(
        self, total: int = 1_000_000_000, *, before: Sequence[str] = (), env: Mapping[str, str] | None = None
    ) -> "subprocess.Popen[str]":
        """Start mozu with a source of `total` alerts; `before` stands in front of its command line."""
        self._config.write_text(CONFIG.format(total=total, sink=self._sink, state=self._config.parent / "state"))
        command = mozu_command("run", "-c", str(self._config), "--stats", str(self.stats), before=before)
        environment = {**self._env, **(env or {})}
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment)

    def finish(self, process: "subprocess.Popen[str]") -> dict[str, Any]:
        """Wait for a clean end; return the sink's statistics."""
        _, log = process.communicate(timeout=150 * SLOWER)
        assert process.returncode == 0, log
        sink: dict[str, Any] = json.loads(self.stats.read_text())["sinks"][self.destination.kind]
        return sink

    def arrived(self) -> Iterator[tuple[str, int, str]]:
        """Yield (epoch, number, id) of each alert."""
        for document in self.destination.documents():
            yield document["mozu"]["epoch"], document["mozu"]["sequence"], document["uuid"]

    def last(self) -> int:
        """Return the highest number that the spool ever assigned."""
        spool = Spool(self.spool)
        try:
            return spool.last()
        finally:
            spool.close()
