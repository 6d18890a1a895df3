"""Replay of a recording by the command, and alerts in a form that is equal for two judges of the same event."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from tests.support.requirements import ROOT
from tests.support.running import Json

_WITHOUT: Final = ("hostname", "mozu")


def replayed(recording: Path, rules: Path | None = None, *options: str) -> list[Json]:
    """Return the alerts of `mozu replay` with these rules, if any, and further options."""
    with_rules = () if rules is None else ("-r", str(rules))
    done = subprocess.run(
        [sys.executable, "-m", "mozu", "replay", "--json", *with_rules, *options, str(recording)],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")}, capture_output=True, text=True, timeout=280, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def encoded(recording: Path, rules: list[Json], folder: Path, *formats: str) -> dict[str, list[Json]]:
    """Return the alerts of a replay with these rules, by format; `folder` takes the files."""
    (folder / "rules.json").write_text(json.dumps(rules))
    sinks = [{"file": {"id": name, "path": str(folder / name), "format": name}} for name in formats]
    (folder / "mozu.json").write_text(json.dumps({"sinks": sinks}))
    command = [sys.executable, "-m", "mozu", "replay", "-c", "mozu.json", "-r", "rules.json", str(recording)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    subprocess.run(command, env=environment, cwd=folder, check=True, timeout=100, stdin=subprocess.DEVNULL)
    return {name: [json.loads(line) for line in (folder / name).read_text().splitlines()] for name in formats}


def comparable(alerts: list[Json]) -> dict[str, Json]:
    """Return the alerts by id, without the judge's own values and notices."""
    own = [alert for alert in alerts if alert["source"] != "internal"]
    found = {alert["uuid"]: {key: alert[key] for key in alert if key not in _WITHOUT} for alert in own}
    assert len(found) == len(own)
    return found
