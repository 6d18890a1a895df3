"""The matrix of misbehaviour beside a live eBPF source: each way to misbehave in each call of each kind of component.

A run has many faulty plugins at once, each an instance of its own. Of every run: not one event of eBPF is lost on its
way to the standard output, and the accounts are exact; of each of them: the log names it.
"""

import json
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any, Final, NamedTuple

import pytest
import yaml

from tests.support import requirements
from tests.support.faulty_runs import CALLS, ENDS, HOLDS, HOWS, KINDS, MODULE, NEVER_LETS_GO, WAITS, faulty, lay_down
from tests.support.requirements import ROOT
from tests.support.running import Running, mozu_run

pytestmark = pytest.mark.ebpf

FILES: Final = 400
FATAL: Final = {
    "leave": ("source", "sink"), "crash": ("source",), "spin in C": ("source", "evaluator"),
}  # fmt: skip
"""Misbehaviour that mozu survives only if the plugin has a process of its own → kinds of component to try; an enricher
has no process.
"""
RING: Final = 64 << 20
"""Size of the ring in bytes, with capacity for other programs' calls while the event loop is held."""
AT_ONCE: Final = 4
"""Number of simultaneous runs; most of them sleep."""


class Cell(NamedTuple):
    """Faulty component."""

    at: str
    how: str
    kind: str

    @property
    def id(self) -> str:
        """Return the id of its instance."""
        return f"{self.at}-{self.how}".replace(" ", "-")

    @property
    def pattern(self) -> str:
        """Return a pattern for a line of the log that reports the component."""
        return rf"(warning|error): .*\b{self.kind} {self.id}\b"

    def entry(self) -> dict[str, Any]:
        """Return its entry in the configuration. A start that never ends has a deadline of a second."""
        settings: dict[str, Any] = {"id": self.id, "at": self.at, "how": self.how, "optional": True}
        if self.at in ("build", "start") and self.how in (*NEVER_LETS_GO, *WAITS):
            settings["start_deadline"] = 1
        if self.how in FATAL:
            settings["isolation"] = {"mode": "process", "answer": 2}
        return {"faulty": settings}

    def is_named(self) -> bool:
        """Return True if the log must name it: a component that holds the loop and lets go is named if it does so
        repeatedly.
        """
        if self.how in HOLDS:
            return self.at == "work"
        return self.how in FATAL or self.kind in faulty(self.at, self.how)

    def is_named_at_the_stop(self) -> bool:
        """Return True if its call does not end before the stop."""
        return self.at == "stop" or (self.at == "work" and self.how in WAITS)


def cells(hows: Sequence[str], kinds: Sequence[str] = KINDS) -> list[Cell]:
    return [
        Cell(at, how, kind)
        for how in hows
        for at in CALLS
        for kind in kinds
        if (at, how) != ("build", "interrupt")  # which is Ctrl-C, before the engine runs
    ]


RUNS: Final = {
    **{f"{how}, {'+'.join(kinds)}": cells([how], kinds) for how in NEVER_LETS_GO for kinds in (KINDS[:2], KINDS[2:])},
    "ends": cells(ENDS),
    "values and waits": cells(["wrong", "none", *WAITS]),
    **{how: cells([how]) for how in ("huge", *HOLDS)},
    "in processes": [Cell("work", how, kind) for how, kinds in FATAL.items() for kind in kinds],
}
"""Runs by name; components that never let go take the longest, and come first."""
MATRIX: Final = [(name, cell) for name, found in RUNS.items() for cell in found]


class Ended(NamedTuple):
    """Result of a run."""

    seen: list[int]
    """Numbers of the files whose alerts have arrived."""
    statistics: dict[str, Any]
    log: str


def configuration(folder: Path, found: Sequence[Cell]) -> Path:
    rule = {
        "rule": "A numbered file",
        "desc": "Each file that the test opens, with what the enrichers say of it.",
        "condition": f"evt.type = openat and (fd.name startswith {folder}/number- or fd.name = {folder}/again)",
        "output": f"%fd.name {'%faulty.value' if any(cell.kind == 'enricher' for cell in found) else 'was opened'}",
        "priority": "NOTICE",
    }
    rules, file = folder / "rules.yaml", folder / "mozu.yaml"
    rules.write_text(yaml.safe_dump([rule]))
    tree: dict[str, Any] = {
        "state_dir": str(folder), "sources": [{"ebpf": {"ring_size": RING}}], "enrichers": [],
        "evaluators": [{"falco": {"rules": [str(rules)]}}], "sinks": ["stdout"],
    }  # fmt: skip
    if any(cell.how in (*HOLDS, *NEVER_LETS_GO) for cell in found):  # on a busy machine their stop takes its time
        tree["stop_deadline"] = 40
    for cell in found:
        tree[f"{cell.kind}s"].append(cell.entry())
    file.write_text(yaml.safe_dump(tree))
    return file


def run(folder: Path, found: Sequence[Cell]) -> Ended:
    """Open the files beside these faulty components, and stop after all are named that can be named before the stop."""
    site = lay_down(folder / "site")
    environment = {"PYTHONPATH": os.pathsep.join([str(site), str(MODULE), str(ROOT / "src")])}
    with mozu_run(folder, "-c", str(configuration(folder, found)), env=environment) as mozu:
        for number in range(FILES):
            os.close(os.open(folder / f"number-{number}", os.O_CREAT | os.O_WRONLY))
        mozu.wait_alert(lambda alert: f"{folder}/number-{FILES - 1} " in alert["output"], "the last file")
        for cell in found:
            if cell.is_named() and not cell.is_named_at_the_stop():
                with repeated(lambda: os.close(os.open(folder / "again", os.O_CREAT | os.O_WRONLY))):
                    mozu.wait_log(cell.pattern)
        statistics = mozu.stop()
    return Ended(numbers(mozu), statistics, "\n".join(mozu.log))


def numbers(mozu: Running) -> list[int]:
    """Return the numbers of the files whose alerts have arrived."""
    outputs = (alert["output"] for alert in mozu.alerts if alert["rule"] == "A numbered file")
    return [int(output.partition("/number-")[2].split()[0]) for output in outputs if "/number-" in output]


@contextmanager
def repeated(act: Callable[[], None], pause: float = 0.2) -> Iterator[None]:
    """Act every `pause` seconds meanwhile: a component that holds the loop now and then is named if it does
    so again.
    """
    over = Event()

    def repeat() -> None:
        while not over.wait(pause):
            act()

    thread = Thread(target=repeat)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Future[Ended]]]:
    """Yield name → future of the run; several run at the same time."""
    requirements.ebpf()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {name: pool.submit(run, tmp_path_factory.mktemp("run"), found) for name, found in RUNS.items()}


@pytest.mark.parametrize("name", RUNS)
def test_no_misbehaviour_costs_an_event_of_ebpf(runs: dict[str, Future[Ended]], name: str) -> None:
    ended = runs[name].result()
    assert list(range(FILES)) == sorted(ended.seen)  # an event whose key is asked waits
    assert Counter() == +Counter(
        {kind: one["lost"] + (one["missed"] or 0) for kind, one in ended.statistics["sources"]["ebpf"]["types"].items()}
    )


@pytest.mark.parametrize("name", RUNS)
def test_accounts_are_exact_whatever_misbehaves(runs: dict[str, Future[Ended]], name: str) -> None:
    statistics = runs[name].result().statistics
    for source, of in statistics["sources"].items():
        assert of["received"] == of["evaluated"] + of["rejected"] + of["internal"], source
    for sink, of in statistics["sinks"].items():
        dropped = sum(of["dropped"].values())
        assert of["accepted"] == of["delivered"] + dropped + of["dead_lettered"], (sink, json.dumps(of))


@pytest.mark.parametrize(
    ("name", "cell"),
    [pytest.param(name, cell, id=f"{cell.id}-{cell.kind}") for name, cell in MATRIX if cell.is_named()],
)
def test_a_component_that_misbehaves_is_named(runs: dict[str, Future[Ended]], name: str, cell: Cell) -> None:
    assert re.search(cell.pattern, runs[name].result().log)


def test_the_matrix_is_whole() -> None:
    whole = {(at, how, kind) for at in CALLS for how in HOWS for kind in KINDS} - {
        ("build", "interrupt", kind) for kind in KINDS
    }
    assert whole <= {tuple(cell) for _, cell in MATRIX}
