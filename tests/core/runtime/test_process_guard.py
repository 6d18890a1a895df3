"""A plugin that changes a property of the whole process is named, and mozu goes on and can be stopped."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.requirements import ROOT

MODULE = ROOT / "tests" / "support" / "meddling"


def lay_down(folder: Path) -> Path:
    """Write the metadata that pip would install beside the module `meddling`; return the site folder."""
    info = folder / "site" / "mozu_meddling-1.2.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mozu-meddling\nVersion: 1.2\n")
    (info / "entry_points.txt").write_text("[mozu]\nmeddling = meddling\n")
    return info.parent


class Started:
    """`mozu run` with the plugin, in a process of its own."""

    def __init__(self, folder: Path, *how: str, environment: str = "", **core: object) -> None:
        self._folder, site = folder, folder / "site"
        if not site.exists():
            lay_down(folder)
        tree: dict[str, Any] = {
            "state_dir": str(folder / "state"), "sources": [{"meddling": {"how": list(how)}}], "enrichers": [],
            "evaluators": [], "sinks": [{"stdout": {"format": "json"}}], **core,
        }  # fmt: skip
        (folder / "mozu.yaml").write_text(yaml.safe_dump(tree))
        paths = os.pathsep.join(map(str, (site, MODULE, ROOT / "src")))
        self.out, self.err = folder / "out", folder / "err"
        with self.out.open("w") as out, self.err.open("w") as err:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "mozu", "run", "-c", folder / "mozu.yaml", "--stats", folder / "stats"],
                stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                env={**os.environ, "PYTHONPATH": paths, "MEDDLING": environment},
            )  # fmt: skip

    def wait(self, file: Path, text: str, times: int = 1) -> None:
        end = time.monotonic() + 60
        while file.read_text().count(text) < times:
            assert time.monotonic() < end, f"no {text!r} in {file.read_text()} {self.err.read_text()}"
            time.sleep(0.02)

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    def rules(self) -> list[str]:
        """Return the rules of the alerts on stdout; every line must be an alert."""
        return [json.loads(line)["rule"] for line in self.out.read_text().splitlines()]


@pytest.fixture
def begun(tmp_path: Path) -> Iterator[list[Started]]:
    started: list[Started] = []
    yield started
    for one in started:
        if one.process.poll() is None:
            one.process.kill()
            one.process.wait()


CHANGED = "source meddling failed to leave the process as it was: ChangedProcess: "
NAMED = {
    "ignore": f"{CHANGED}SIGTERM has another handler",
    "ignore in C": f"{CHANGED}SIGINT is ignored",
    "block": f"{CHANGED}SIGTERM is blocked",
    "close": f"{CHANGED}descriptor 0 is closed",
    "replace": f"{CHANGED}json.dumps is another function",
    "cancel": "source meddling failed to leave other tasks alone: NotItsOwn: it has cancelled",
    "stop": "source meddling failed to leave the event loop alone: NotItsOwn: it has stopped the event loop",
    "hold in C": "source meddling (meddling:_hold_in_c) held the event loop",
}


def test_it_is_named_and_mozu_goes_on_and_can_be_stopped(tmp_path: Path, begun: list[Started]) -> None:
    begun.append(run := Started(tmp_path, "print", *NAMED))
    for text in NAMED.values():
        run.wait(run.err, text)
    count = run.out.read_text().count('"after"')
    run.wait(run.out, '"after"', count + 1)
    assert run.stop() == 0, run.err.read_text()
    assert {"before", "after"} <= set(run.rules())
    said = run.err.read_text()
    assert all(text in said for text in ("printed at import", "printed\n", "written\n", "by a child\n"))


def test_a_forced_end_writes_statistics_and_names_who_held_it(tmp_path: Path, begun: list[Started]) -> None:
    begun.append(run := Started(tmp_path, "stay", stop_deadline=0.5))
    run.wait(run.err, "stays")
    assert run.stop() == 1
    said = run.err.read_text()
    assert "the stop does not come to its end; the event loop's thread is in source meddling (meddling:_stay)" in said
    assert "source meddling: received" in said
    assert json.loads((tmp_path / "stats").read_text())["sinks"]["stdout"]["delivered"] == len(run.rules())


@pytest.mark.parametrize(("signals", "code"), [(1, 1), (2, 128 + signal.SIGTERM)])
def test_code_that_does_not_look_at_signals_cannot_keep_mozu(
    tmp_path: Path, begun: list[Started], signals: int, code: int
) -> None:
    begun.append(run := Started(tmp_path, "wait in C", stop_deadline=0.5))
    run.wait(run.err, "waits")
    for _ in range(signals - 1):
        run.process.send_signal(signal.SIGTERM)
        run.wait(Path(f"/proc/{run.process.pid}/status"), "ShdPnd:\t0000000000000000")
        time.sleep(1.1)  # an earlier signal counts as the same request
    assert run.stop() == code
    assert "the event loop's thread is in source meddling (meddling:_wait_in_c)" in run.err.read_text()
    assert json.loads((tmp_path / "stats").read_text())["sinks"]["stdout"]["delivered"] == len(run.rules())


def test_what_an_import_does_to_the_process_is_said_and_an_end_at_the_next_start(
    tmp_path: Path, begun: list[Started]
) -> None:
    begun.append(first := Started(tmp_path, environment="exit"))
    assert first.process.wait(60) == 3
    begun.append(second := Started(tmp_path, environment="replace"))
    second.wait(second.out, '"after"')
    text = "an earlier start ended without a word while the plugin meddling of mozu-meddling 1.2 was being imported"
    assert (second.stop(), text in second.err.read_text()) == (0, True)
    replaced = "mozu-meddling 1.2: its import has replaced json.dumps for the whole process: it was put back"
    assert replaced in second.err.read_text()
    assert not list((tmp_path / "state" / "importing").iterdir())  # the change is reported once


def test_what_a_plugin_prints_as_it_is_imported_is_not_in_the_output_of_a_command(tmp_path: Path) -> None:
    site = lay_down(tmp_path)
    paths = os.pathsep.join(map(str, (site, MODULE, ROOT / "src")))
    done = subprocess.run(
        [sys.executable, "-m", "mozu", "plugins", "-p", "meddling", "--json"], env={**os.environ, "PYTHONPATH": paths},
        capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert "meddling" in {one["name"] for one in json.loads(done.stdout)["plugins"]}
    assert "printed at import" in done.stderr.splitlines()
