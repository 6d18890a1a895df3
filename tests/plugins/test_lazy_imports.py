"""Client libraries are imported with the component that uses them, not with the declaration of its plugin."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.requirements import ROOT

HEAVY = ("aiohttp", "aiokafka")
RULE = """
- rule: A shell in a container
  desc: enrichment fields of both enrichers
  condition: evt.type = execve and container.name = web and user.name = root
  output: "%container.image %user.name"
  priority: NOTICE
"""
CHILD = """
import sys
from mozu.core.cli import invoke
code = invoke(sys.argv[1:])
print(code, *(name for name in {heavy!r} if name in sys.modules), file=sys.stderr)
"""


def imported(*arguments: str) -> list[str]:
    """Return the exit code of a command in a fresh interpreter, and the libraries that it has imported."""
    done = subprocess.run(
        [sys.executable, "-c", CHILD.format(heavy=HEAVY), *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        timeout=100,
    )
    return done.stderr.splitlines()[-1].split()


@pytest.mark.parametrize(
    "command",
    [
        ("check", "RULES"),
        ("rules", "list", "-r", "RULES"),
        ("rules", "explain", "A shell in a container", "-r", "RULES"),
        ("fields",),
        ("plugins",),
        ("config", "schema"),
    ],
    ids=" ".join,
)
def test_a_command_that_sends_nothing_imports_no_client_library(command: tuple[str, ...], tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text(RULE)
    assert ["0"] == imported(*(str(rules) if word == "RULES" else word for word in command))


def test_a_sink_that_is_built_imports_its_client_library(tmp_path: Path) -> None:
    """An import would be seen by the test above. The check asks the endpoint, at which no one listens."""
    config = tmp_path / "mozu.yaml"
    config.write_text("sinks: [{webhook: {url: 'http://127.0.0.1:9/', allow_private: true, timeout: 1}}]\n")
    assert ["1", "aiohttp"] == imported("sinks", "check", "-c", str(config))
