"""The limit of descriptors: raised for mozu, shared between it and clients, as before for programs that it starts."""

import json
import re
import subprocess
import sys
from pathlib import Path

from tests.support.requirements import ROOT
from tests.support.running import mozu_run

SCRIPT = """
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, (200, 400))
from mozu.core.common import descriptors
print(descriptors.most_for_clients(), descriptors.raise_limit(), descriptors.most_for_clients(),
      descriptors.initial_soft_limit(), resource.getrlimit(resource.RLIMIT_NOFILE))
"""


def test_the_soft_limit_becomes_the_hard_one_and_clients_get_half_of_it() -> None:
    command = [sys.executable, "-c", SCRIPT]
    env = {"PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    assert "100 400 200 200 (400, 400)" == done.stdout.strip()


def test_a_run_raises_its_own_limit(tmp_path: Path) -> None:
    config = tmp_path / "mozu.yaml"
    sources = [{"falco_http": {"listen": "127.0.0.1:0", "token": "none"}}]
    config.write_text(json.dumps({"sources": sources, "enrichers": [], "evaluators": [], "sinks": ["stdout"]}))
    limits = ["sh", "-c", 'ulimit -Sn 200; ulimit -Hn 400; exec "$@"', "sh"]
    with mozu_run(tmp_path, "-c", str(config), through=limits) as running:
        running.wait_log("listening for Falco")
        found = re.search(r"Max open files +(\d+) +(\d+)", Path(f"/proc/{running.process.pid}/limits").read_text())
    assert found is not None
    assert ("400", "400") == found.groups()
