"""A `mozu run` of the chaos suite: the source `chaos`, optionally eBPF and falco_http, and a crowd of sinks."""

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.delivery.crowd import Crowd, prove
from tests.support.requirements import ROOT
from tests.support.starvation import SLOWER, mozu_command

PATIENCE = SLOWER * (600.0 if os.environ.get("MOZU_CHAOS") == "full" else 120.0)
"""Seconds within which an expected event must happen, on a machine that is busy with other things as well."""
MARKER = "/etc/hostname"
RULES = f"""
- rule: A marked file is opened
  desc: For the test.
  condition: evt.type in (open, openat, openat2) and fd.name = {MARKER}
  output: "%proc.name opened %fd.name"
  priority: WARNING
"""
Json = dict[str, Any]


class Daemon:
    """A started mozu; `log` returns its stderr."""

    def __init__(self, process: "subprocess.Popen[bytes]", folder: Path, crowd: Crowd) -> None:
        self.process, self._folder, self._crowd = process, folder, crowd

    @property
    def log(self) -> str:
        """Return the log so far."""
        return (self._folder / "log").read_text(errors="replace")

    def wait(self, test: Callable[[], Any], what: str) -> Any:
        """Wait until the test passes while mozu lives; return the test's result. Raises AssertionError."""
        deadline = time.monotonic() + PATIENCE
        while not (found := test()):
            assert self.process.poll() is None, f"mozu has ended ({self.process.returncode}): {self.log[-5000:]}"
            assert time.monotonic() < deadline, f"not seen: {what}; {self._crowd.describe()}\n{self.log[-5000:]}"
            time.sleep(0.05)
        return found

    def wait_log(self, pattern: str) -> str:
        """Wait for a line of the log that matches; return the first."""
        return str(self.wait(lambda: re.search(f"^.*{pattern}.*$", self.log, re.MULTILINE), pattern)[0])

    def port(self) -> int:
        """Return the port of falco_http."""
        return int(self.wait_log(r"listening for Falco on").rpartition(":")[2])

    def until_end(self, sink: str) -> None:
        """Wait until the last alert of the source has arrived at the far end of a sink."""
        self.wait(lambda: self._crowd.has_ended(sink), f"the end at {sink}")

    def finish(self) -> Json:
        """Stop mozu; return the statistics."""
        assert self.process.poll() is None, f"mozu has ended: {self.log[-5000:]}"
        self.process.send_signal(signal.SIGTERM)
        assert 0 == self.process.wait(PATIENCE), self.log[-5000:]
        found: Json = json.loads((self._folder / "stats.json").read_text())
        return found

    def prove(self, sinks: Sequence[str] = ()) -> list[Json]:
        """Stop mozu once every spool is empty, and prove for every sink that nothing is missing but what was
        announced."""
        self.wait(self._crowd.is_drained, "empty spools")
        time.sleep(1.5)  # drops are announced each second
        self.wait(self._crowd.is_drained, "empty spools")
        statistics = self.finish()
        for source in statistics["sources"].values():
            for kind, count in source["types"].items():
                known = sum(count[name] or 0 for name in ("filtered", "lost", "missed", "received"))
                assert count["seen"] is None or count["seen"] == known, f"unaccounted {kind}: {count}"
        return [self._prove(sink, statistics) for sink in sinks or self._crowd.sinks]

    def _prove(self, sink: str, statistics: Json) -> Json:
        """Prove a sink's completeness; repeat, since a far end may still be writing what it has accepted."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return prove(sink, self._crowd.arrived(sink), statistics)
            except AssertionError:
                if time.monotonic() > deadline or self._crowd.sinks[sink] in ("file", "stdout", "kafka"):
                    raise
            time.sleep(0.2)


def configuration(
    folder: Path, crowd: Crowd, source: Json, *, ebpf: bool, falco_http: Json | None, spool: Json
) -> Path:
    """Write the configuration into one file; return its path."""
    sources: list[Json] = [{"chaos": source}]
    if ebpf:
        (folder / "rules.yaml").write_text(RULES)
        sources.append({"ebpf": {}})
    if falco_http is not None:
        sources.append({"falco_http": {"listen": "127.0.0.1:0", "token": "none", **falco_http}})
    path = folder / "mozu.yaml"
    document = {
        "plugins": ["chaos"],
        "sources": sources,
        "enrichers": [],
        "evaluators": [{"falco": {"rules": [str(folder / "rules.yaml")]}}] if ebpf else [],
        "stop_deadline": 60,
        "state_dir": str(folder / "state"),
        "sinks": crowd.entries(**spool),
    }
    path.write_text(json.dumps(document))
    return path


@contextmanager
def daemon(
    folder: Path,
    crowd: Crowd,
    *,
    ebpf: bool = True,
    falco_http: Json | None = None,
    spool: Mapping[str, Any] | None = None,
    before: Sequence[str] = (),
    **source: Any,
) -> Iterator[Daemon]:
    """Yield a watching daemon that runs until the block ends; `source` are settings of the source `chaos`."""
    path = configuration(folder, crowd, source, ebpf=ebpf, falco_http=falco_http, spool=dict(spool or {}))
    metadata = folder / "site/mozu_chaos-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: mozu-chaos\nVersion: 1.0\n")
    text = "[mozu]\nchaos = tests.support.chaos_source\nfar_end = tests.support.far_end\n"
    (metadata / "entry_points.txt").write_text(text)
    env = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}:{folder / 'site'}"}
    command = mozu_command("run", "-c", str(path), "--stats", str(folder / "stats.json"), before=before)
    out = folder / "stdout/stdout.jsonl" if "stdout" in crowd.sinks else folder / "stdout"
    with out.open("wb") as stdout, (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=log, env=env,
            start_new_session=True,
        )  # fmt: skip
    made = Daemon(process, folder, crowd)
    try:
        if not any("2>&-" in word for word in before):
            made.wait_log(r"watching \d+ event types")
        yield made
    finally:
        if process.poll() is None:
            process.kill()
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)
    assert "starts again in" not in made.log, "a source went down"
