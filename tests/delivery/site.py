"""A place where mozu delivers: a third party's plugin, a configuration, a spool, and a file at the far end."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mozu.core.spool import Spool
from tests.support.requirements import ROOT

CONFIG = """
plugins: [far_end]
sources: [numbers: {{total: {total}}}]
enrichers: []
evaluators: []
sinks:
  - far_end: {{path: {out}, pause: 0.002, down: {down}, format: json, retry: {{longest: 0.2}}, spool: {spool}}}
"""


class Site:
    """Below one folder."""

    def __init__(self, folder: Path, **spool: Any) -> None:
        self.out, self.down, self._config = folder / "out.jsonl", folder / "down", folder / "mozu.yaml"
        self.stats = folder / "stats.json"
        self.spool = Path(spool.get("path", folder / "spool.db"))
        self._spool = json.dumps({**spool, "path": str(self.spool)})
        plugins = folder / "site"
        metadata = plugins / "mozu_far_end-1.0.dist-info"
        metadata.mkdir(parents=True)
        (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: mozu-far-end\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text("[mozu]\nfar_end = far_end\n")
        shutil.copy(ROOT / "tests/support/far_end.py", plugins)
        self._env = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{plugins}"}

    def begin(self, total: int = 1_000_000_000) -> "subprocess.Popen[str]":
        """Start mozu with a source of so many alerts."""
        text = CONFIG.format(total=total, out=self.out, down=self.down, spool=self._spool)
        self._config.write_text(text)
        command = [sys.executable, "-m", "mozu", "run", "-c", str(self._config), "--stats", str(self.stats)]
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=self._env)

    def finish(self, process: "subprocess.Popen[str]") -> dict[str, Any]:
        """Wait for a clean end; the sink's statistics."""
        _, log = process.communicate(timeout=90)
        assert process.returncode == 0, log
        sink: dict[str, Any] = json.loads(self.stats.read_text())["sinks"]["far_end"]
        return sink

    def arrived(self) -> Iterator[tuple[str, int, str]]:
        """(epoch, number, id) of each whole line; a line torn by a kill was never acknowledged."""
        for line in self.out.read_bytes().split(b"\n"):
            try:
                document = json.loads(line)
            except ValueError:
                continue
            yield document["mozu"]["epoch"], document["mozu"]["sequence"], document["uuid"]

    def size(self) -> int:
        """Bytes at the far end."""
        return self.out.stat().st_size if self.out.exists() else 0

    def last(self) -> int:
        """The highest number that the spool ever gave."""
        spool = Spool(self.spool)
        try:
            return spool.last()
        finally:
            spool.close()
