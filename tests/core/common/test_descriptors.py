"""The limit of descriptors: raised for mozu, shared between it and clients, as before for programs that it starts."""

import subprocess
import sys

from tests.support.requirements import ROOT

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
