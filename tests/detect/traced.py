"""Acts of the host in one command under `mozu trace`, to see which default rules ptrace can see."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple

from tests.support.running import Json
from tests.support.stage import Stage, rules_amid_builds
from tests.support.triggers.own import HOST

UNSEEN: Final[Mapping[str, str]] = MappingProxyType(
    {
        "Process traced by an unexpected program": "no: the kernel lets one process trace, which is mozu",
        "Program that refuses to be traced": "no: the kernel refuses it to what is traced already",
    }
)
"""Rule → reason why its act on the host is not seen."""
OF_CONTAINERS: Final = "no: `mozu trace` looks no container up"
_CONFIG: Final = """\
evaluators:
  - falco: {{rules: [{packs}, {builds}], level: paranoid, rule_matching: all}}
"""
_ACT: Final = """
import json, pathlib, subprocess, sys
for command in json.loads(pathlib.Path(sys.argv[1]).read_text()):
    subprocess.run(command, stdin=-3, stdout=-3, stderr=-3, timeout=60)
"""


class Traced(NamedTuple):
    """The result of the acts."""

    alerts: list[Json]
    recording: Path
    config: Path
    """Configuration of that run."""


def traced(stage: Stage, folder: Path) -> Traced:
    """Run all acts of the host one after another under a single `mozu trace`, which records."""
    report, config, acts = (folder / name for name in ("report.json", "mozu.yaml", "acts.json"))
    recording = folder / "recording.jsonl.gz"
    packs, builds = rules_amid_builds(folder)
    config.write_text(_CONFIG.format(packs=packs, builds=builds))
    acts.write_text(json.dumps([stage.command(trigger) for trigger in HOST]))
    done = subprocess.run(
        [
            *(sys.executable, "-m", "mozu", "trace", "-c", str(config), "--report", f"json:{report}"),
            *("--record", str(recording)),
            *("--", stage.words["PYTHON"], "-c", _ACT, str(acts)),
        ],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return Traced(json.loads(report.read_text())["alerts"], recording, config)
