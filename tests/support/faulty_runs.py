"""Runs of mozu beside a plugin that misbehaves (tests/support/faulty), in this process."""

import json
import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

from mozu.core.metrics import Metrics
from mozu.core.runtime.configure import configure
from mozu.core.runtime.engine import Engine, assemble
from mozu.core.runtime.engine.background_tasks import BackgroundTasks
from mozu.core.runtime.loop import run as run_loop
from tests.support.requirements import ROOT

MODULE = ROOT / "tests" / "support" / "faulty"


class Outcome(NamedTuple):
    """The result of a run."""

    code: int
    alerts: list[Any]
    """Alerts that the sink `kept` has, mozu's own notices among them."""
    stats: dict[str, Any]
    log: list[str]

    @property
    def numbers(self) -> list[int]:
        """Return the numbers of the events of `steady` whose alerts have arrived."""
        return [int(alert.message()) for alert in self.alerts if alert.rule == "each"]

    def total(self, name: str, **labels: str) -> float:
        """Return the sum of a metric."""
        return sum(
            float(one["value"])
            for one in self.stats["metrics"]
            if one["name"] == name and labels.items() <= one["labels"].items()
        )


def lay_down(folder: Path) -> Path:
    """Write what pip would install of the plugin `faulty`, beside its module; return the folder."""
    info = folder / "mozu_faulty-1.2.dist-info"
    info.mkdir(parents=True, exist_ok=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mozu-faulty\nVersion: 1.2\n")
    names = ("faulty", "steady", "each", "kept", "blocking")
    points = "\n".join(f"{name} = faulty" for name in names)
    (info / "entry_points.txt").write_text(f"[mozu]\n{points}\n")
    return folder


@contextmanager
def installed(folder: Path) -> Iterator[None]:
    """Make the plugin importable in this process until the block ends."""
    paths = [str(lay_down(folder)), str(MODULE)]
    sys.path[:0] = paths
    try:
        yield
    finally:
        for path in paths:
            sys.path.remove(path)


KINDS: Final = ("source", "enricher", "evaluator", "sink")
ENDS: Final = ("raise", "exit", "interrupt", "cancel", "generator")
HOLDS: Final = ("block", "spin")
NEVER_LETS_GO: Final = ("block for ever", "spin for ever")
WAITS: Final = ("hang", "late")
VALUES: Final = ("wrong", "none", "huge")
HOWS: Final = (*ENDS, *HOLDS, *NEVER_LETS_GO, *WAITS, *VALUES)
CALLS: Final = ("build", "start", "work", "callback", "stop")

HARMLESS_WORK: Final = {
    "none": ("sink", "enricher"), "huge": ("source", "enricher", "evaluator"),
    "hang": ("evaluator",), "late": ("evaluator",),
}  # fmt: skip
"""Misbehaviour → kinds whose work it does not harm: None acknowledges, and a method that is not awaited cannot wait."""


def faulty(at: str, how: str) -> tuple[str, ...]:
    """Return the kinds whose instance must be named in the log."""
    awaited = tuple(kind for kind in KINDS if kind != "evaluator")  # an evaluator has no start, no stop and no callback
    if how in HOLDS:
        return ()  # the fault ends by itself; the watchdog may have looked or not (test_loop.py)
    if at == "work":
        return tuple(kind for kind in KINDS if kind not in HARMLESS_WORK.get(how, ()))
    if how in VALUES:
        return KINDS if at == "build" and how != "huge" else ()
    if how in WAITS:
        return awaited if at in ("start", "stop") else ()
    return KINDS if at in ("build", "start") else awaited


def config(kinds: Sequence[str], entry: dict[str, Any], plugin: str = "faulty", **core: Any) -> dict[str, Any]:
    """Return the configuration `steady` → `each` → `kept` with a faulty component `bad-KIND` of each of the kinds
    beside them."""
    tree: dict[str, Any] = {
        "start_deadline": 0.4, "stop_deadline": 1.0,
        "sources": ["steady"], "enrichers": [], "evaluators": ["each"], "sinks": ["kept"], **core,
    }  # fmt: skip
    for kind in kinds:
        tree[f"{kind}s"] = [*tree[f"{kind}s"], {plugin: {"id": f"bad-{kind}", "optional": True, **entry}}]
    return tree


def run(folder: Path, tree: dict[str, Any], seconds: float) -> Outcome:
    """Run mozu with this configuration for `seconds`."""
    file, stats = folder / "mozu.yaml", folder / "stats.json"
    file.write_text(yaml.safe_dump(tree))
    lines: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign]  # it keeps the text
    root = logging.getLogger("mozu")
    root.addHandler(handler)
    try:
        with installed(folder / "site"):
            settings, registry = configure(file, [f"state_dir={folder}"])
            metrics, tasks = Metrics(), BackgroundTasks()

            async def main() -> int:
                try:
                    engine = Engine(assemble(settings, registry, metrics, tasks), metrics, tasks)
                    return await engine.run(duration=seconds, stats=stats)
                finally:
                    tasks.cancel()

            code = run_loop(main())
            kept = sys.modules["faulty"].KEPT
    finally:
        root.removeHandler(handler)
    return Outcome(code, list(kept), json.loads(stats.read_text()), lines)
