"""A real Prometheus on loopback, queried over its API."""

import json
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.ports import free_port
from tests.support.requirements import program
from tests.support.running import PATIENCE


class Prometheus:
    """A running server."""

    def __init__(self, port: int, process: "subprocess.Popen[bytes]") -> None:
        self._port, self._process = port, process

    def ask(self, page: str, **parameters: Any) -> Any:
        """Return the data of an answer."""
        query = urllib.parse.urlencode(parameters)
        with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/api/v1/{page}?{query}", timeout=PATIENCE) as found:
            return json.load(found)["data"]

    def values(self, query: str) -> list[float]:
        """Return the value of every series now."""
        return [float(one["value"][1]) for one in self.ask("query", query=query)["result"]]

    def wait(self, until: Callable[[], bool], what: str) -> None:
        """Wait for a condition, which may fail because the server does not listen yet."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                if until():
                    return
            except OSError:  # the server does not listen yet
                pass
            assert self._process.poll() is None, f"prometheus has ended before {what}"
            assert time.monotonic() < deadline, what
            time.sleep(0.1)  # prometheus is another process


@contextmanager
def serving(folder: Path, configuration: Mapping[str, Any]) -> Iterator[Prometheus]:
    """Run a server until the block ends; its data lie in `tsdb` below the folder."""
    port, config = free_port(), folder / "prometheus.yaml"
    config.write_text(json.dumps(configuration))
    options = [f"--config.file={config}", f"--storage.tsdb.path={folder / 'tsdb'}"]
    line = [program("prometheus"), *options, f"--web.listen-address=127.0.0.1:{port}"]
    with (folder / "prometheus.log").open("wb") as log, subprocess.Popen(line, stdout=log, stderr=log) as process:
        try:
            yield Prometheus(port, process)
        finally:
            process.terminate()
            process.wait(PATIENCE)
