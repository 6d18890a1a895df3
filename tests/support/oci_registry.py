"""A real registry (Debian's docker-registry) on loopback."""

import json
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.ports import free_port
from tests.support.requirements import program
from tests.support.running import PATIENCE


@contextmanager
def serving(folder: Path, more: Mapping[str, Any] | None = None) -> Iterator[int]:
    """Run a registry until the block ends; yield its port. Its data lie in `registry` below the folder; `more` are
    further keys of its configuration."""
    port, config = free_port(), folder / "registry.json"
    storage = {"filesystem": {"rootdirectory": str(folder / "registry")}}
    address = {"addr": f"127.0.0.1:{port}"}
    config.write_text(json.dumps({"version": "0.1", "storage": storage, "http": address, **(more or {})}))
    line = [program("docker-registry"), "serve", str(config)]
    with (folder / "registry.log").open("wb") as log, subprocess.Popen(line, stdout=log, stderr=log) as process:
        try:
            deadline = time.monotonic() + PATIENCE
            while not _answers(port):
                assert process.poll() is None, (folder / "registry.log").read_text()
                assert time.monotonic() < deadline, "the registry does not listen"
                time.sleep(0.05)  # nothing reports that another process listens
            yield port
        finally:
            process.terminate()
            process.wait(PATIENCE)


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/v2/", timeout=PATIENCE):
            return True
    except urllib.error.HTTPError:  # it asks for credentials
        return True
    except OSError:
        return False
