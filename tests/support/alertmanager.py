"""A real Alertmanager for a test."""

import json
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.ports import free_port
from tests.support.requirements import program

PATIENCE = 60.0


@contextmanager
def alertmanager(folder: Path) -> Iterator[str]:
    """Run an Alertmanager until the block ends; yield its address once it is ready."""
    config, port = folder / "alertmanager.yaml", free_port()
    config.write_text(json.dumps({"route": {"receiver": "none"}, "receivers": [{"name": "none"}]}))
    line = [
        program("prometheus-alertmanager"), f"--config.file={config}", f"--storage.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address=",
    ]  # fmt: skip
    with (folder / "log").open("wb") as log, subprocess.Popen(line, stdout=log, stderr=log) as process:
        try:
            deadline = time.monotonic() + PATIENCE
            while not _is_ready(port):
                assert process.poll() is None, (folder / "log").read_text()
                assert time.monotonic() < deadline, "Alertmanager does not get ready"
                time.sleep(0.05)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(PATIENCE)


def _is_ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/-/ready", timeout=PATIENCE) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def alerts(url: str) -> list[dict[str, Any]]:
    """Return the alerts that the Alertmanager holds."""
    with urllib.request.urlopen(f"{url}/api/v2/alerts", timeout=PATIENCE) as answer:
        found: list[dict[str, Any]] = json.load(answer)
        return found
