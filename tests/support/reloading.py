"""mozu reloaded again and again under load: other rules, sinks, enrichers and settings each time, and numbered alerts.

    Load        calls creat at a steady rate, or slower if alerts arrive more slowly; each hundredth or so has a
                number in its path, which a rule reports
    Variants    the configuration of each round, some of them broken
    ReloadedRun `mozu run`, its reloads counted by its log, its memory and descriptors sampled
"""

import json
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final, NamedTuple

from tests.support.build import compiled
from tests.support.requirements import ROOT
from tests.support.starvation import mozu_command

PATIENCE: Final = 120.0
_REFUSED: Final = "the reload was refused"
_RULES: Final = """
- rule: Numbered
  desc: Of the load, those calls that have a number.
  condition: evt.type = creat and fd.name startswith {folder}/hit-{more}
  output: "round {round} %fd.name"
  priority: WARNING
- list: words
  items: [{words}]
- rule: Never
  desc: Another rule each time, which nothing matches; with another event type, too.
  condition: evt.type in (creat{types}) and fd.name in (words)
  output: "never %fd.name"
  priority: {priority}
"""


class Sample(NamedTuple):
    """The state of mozu at one moment."""

    reloads: int
    rss: float
    """Resident memory in MiB."""
    descriptors: int
    threads: int


class Variants:
    """A writer of each round's configuration. `broken`: every how many rounds a configuration has mistakes; 0 for
    none."""

    def __init__(self, folder: Path, *, webhook: str, kafka: Sequence[str], topic: str, broken: int = 0) -> None:
        self.folder, self.config, self.rules = folder, folder / "mozu.yaml", folder / "rules.yaml"
        self.load = folder / "none"
        self._webhook, self._kafka, self._topic, self._every = webhook, list(kafka), topic, broken

    def is_broken(self, number: int) -> bool:
        """Return True if this round must be refused."""
        return bool(self._every) and number % self._every == self._every - 1

    def write(self, number: int) -> None:
        """Replace the rules and the configuration by those of the round."""
        rules = _RULES.format(
            folder=self.load, round=number, words=", ".join(f"/w{number}-{i}" for i in range(5)),
            types=", rmdir" if number % 3 == 1 else "", priority="NOTICE" if number % 2 else "INFO",
            more="" if number % 4 else " and proc.name exists",
        )  # fmt: skip
        tree = self._tree(number)
        if self.is_broken(number):
            rules = self._break(number, rules, tree)
        _put(self.rules, rules)
        _put(self.config, json.dumps(tree))

    def _tree(self, number: int) -> dict[str, Any]:
        delivery: dict[str, Any] = {"format": "json", "retry": {"longest": 1.0}}
        webhook = {
            "url": self._webhook, "allow_private": True, "batch": "ndjson", "batch_records": 50 + number % 7,
            "headers": {"X-Round": str(number // 2)}, "spool": {"path": str(self.folder / "webhook.db")},
            "queue": {"bytes": (16 << 20) + number % 3}, **delivery,
        }  # fmt: skip
        kafka = {
            "bootstrap_servers": self._kafka, "topic": self._topic, "key": "none",
            "compression": ("none", "lz4")[number // 3 % 2], "linger": 0.01 * (number // 5 % 2),
            "spool": {"path": str(self.folder / "kafka.db"), "when_full": ("drop_newest", "drop_oldest")[number % 2]},
            **delivery,
        }  # fmt: skip
        sinks: list[Any] = [{"webhook": webhook}, {"kafka": kafka}]
        if number % 4 > 1:
            route = {"rules": [f"Numbered{'*' * (number % 3)}"]}
            place = {"path": str(self.folder / f"extra-{number % 4}.jsonl"), "route": route}
            sinks.insert(0, {"file": {"id": "extra", **place}})
        return {
            "state_dir": str(self.folder / "state"),
            "sources": [{"ebpf": {"ring_size": 1 << 26, "kernel_filter": number // 10 % 2 == 1}}],
            "enrichers": [{"users": {"nss": number % 2 == 0}}, *(["docker"] if number % 6 > 2 else [])],
            "evaluators": [{"falco": {"rules": [str(self.rules)], "static_fields": {"round": str(number // 2)}}}],
            "sinks": sinks,
            "redact": {"patterns": [f"secret-{number % 5}"]},
            "alert_limiter": {"burst": 100 + number % 2},
            "log": {"level": ("info", "debug")[number % 50 == 49]},
            "enrichment_buffer": {"events": 20_000 + number % 2},
        }

    def _break(self, number: int, rules: str, tree: dict[str, Any]) -> str:
        """Make one or two mistakes, of a different kind in successive rounds."""
        kind = number // self._every % 4
        if kind == 0:
            return rules.replace("creat and", "creat amd")
        if kind == 1:
            tree["sinks"][-1]["kafka"]["topci"] = "x"
            tree["alert_limiter"]["burst"] = -1
        elif kind == 2:
            tree["sources"][0]["ebpf"]["ring_size"] = 1 << 20
        else:
            tree["sinks"].append({"file": {"path": "/proc/none/x", "spool": {"path": "/proc/none/spool.db"}}})
        return rules


class Load:
    """The load program, for the length of a block.

    `ahead`: the most numbered calls whose alerts have not `arrived`; at that count the program waits, so that a busy
    machine slows it down instead of filling a ring buffer. 0: it never waits.
    """

    def __init__(self, folder: Path, rate: int, every: int, ahead: int = 0) -> None:
        command = [str(compiled("numbered")), str(rate), str(every), str(folder), str(ahead)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._began = time.monotonic()
        self._lock = threading.Lock()
        """Lock for `arrived`, which is called on several threads."""
        self._arrived = 0
        self._ends = False

    def arrived(self, number: int) -> None:
        """Report that the alert of the call with this number has arrived, and most likely those before it."""
        with self._lock:
            if number > self._arrived and not self._ends:
                assert self._process.stdin is not None
                os.write(self._process.stdin.fileno(), bytes(number - self._arrived))
                self._arrived = number

    def end(self) -> tuple[int, int, float]:
        """End the program; return (numbered calls, all calls, seconds)."""
        with self._lock:
            self._ends = True
        out, _ = self._process.communicate(timeout=PATIENCE)
        hits, calls = map(int, out.split())
        return hits, calls, time.monotonic() - self._began

    def kill(self) -> None:
        """Kill the program if it has not ended."""
        with self._lock:
            self._ends = True
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()


class ReloadedRun:
    """A `mozu run` whose reloads can be waited for."""

    def __init__(self, variants: Variants) -> None:
        self._variants, self._stats = variants, variants.folder / "stats.json"
        self.log: list[str] = []
        self.samples: list[Sample] = []
        self.reloads = self.refused = 0
        variants.write(0)
        command = mozu_command("run", "-c", str(variants.config), "--stats", str(self._stats))
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        )  # fmt: skip
        self._changed = threading.Condition()
        assert self.process.stderr is not None
        self._reader = threading.Thread(target=self._read, args=(self.process.stderr,), daemon=True)
        self._reader.start()
        self._wait(lambda: any("watching" in line for line in self.log), "the start")

    def _read(self, stream: IO[str]) -> None:
        with stream:
            for line in stream:
                with self._changed:
                    self._line(line.rstrip("\n"))
                    self._changed.notify_all()

    def _line(self, line: str) -> None:
        if "mozu: reloaded: " in line:
            self.reloads += 1
        elif _REFUSED in line:
            self.refused += 1
        self.log.append(line)
        if len(self.log) > 5_000:
            del self.log[500:3_000]

    def reload(self, number: int) -> None:
        """Write another configuration, send SIGHUP, and wait for the reload or the refusal."""
        self._variants.write(number)
        done, refused = self.reloads, self.refused
        self.process.send_signal(signal.SIGHUP)
        if self._variants.is_broken(number):
            self._wait(lambda: self.refused > refused, f"the refusal of round {number}")
            assert self.reloads == done, f"round {number} came into force"
        else:
            self._wait(lambda: self.reloads > done, f"the reload of round {number}")
            assert self.refused == refused, f"round {number} was refused: {self.log[-8:]}"

    def sample(self) -> Sample:
        """Return memory, descriptors and threads now."""
        proc = Path("/proc", str(self.process.pid))
        status = (proc / "status").read_text()
        rss, threads = (int(re.findall(rf"{name}:\s+(\d+)", status)[0]) for name in ("VmRSS", "Threads"))
        self.samples.append(Sample(self.reloads, rss / 1024, len(os.listdir(proc / "fd")), threads))
        return self.samples[-1]

    def stop(self) -> dict[str, Any]:
        """Stop mozu, which must end cleanly; return the statistics."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(PATIENCE) == 0, self.log[-30:]
        self.close()
        found: dict[str, Any] = json.loads(self._stats.read_text())
        return found

    def close(self) -> None:
        """Read the remaining output of a process that has ended."""
        self._reader.join(PATIENCE)

    def _wait(self, test: Any, what: str) -> None:
        deadline = time.monotonic() + PATIENCE
        with self._changed:
            while not test():
                left = deadline - time.monotonic()
                if left <= 0 or self.process.poll() is not None:
                    raise AssertionError(f"not seen: {what}\n" + "\n".join(self.log[-30:]))
                self._changed.wait(min(left, 0.5))


@contextmanager
def reloaded_run(variants: Variants) -> Iterator[ReloadedRun]:
    """Yield a run that lasts until the block ends."""
    run = ReloadedRun(variants)
    try:
        yield run
    finally:
        if run.process.poll() is None:
            run.process.kill()
            run.process.wait()
        run.close()


def _put(path: Path, text: str) -> None:
    """Replace a file as a whole by a rename, as an editor does."""
    fresh = path.with_suffix(".new")
    fresh.write_text(text)
    fresh.rename(path)
