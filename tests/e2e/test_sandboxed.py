"""Processes with namespaces of their own that are in no container: reported as such, and as processes of the host."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.requirements import ROOT, require

RULES = """
- rule: Ran
  desc: A program of the command that is traced.
  condition: evt.type = execve and proc.name = uname
  output: "%proc.is_sandboxed %proc.namespaces %container.type %proc.args"
  priority: NOTICE
"""
SANDBOX = "unshare --user --map-root-user --mount --net"


def seen(folder: Path, script: str) -> dict[str, tuple[object, ...]]:
    """Return argument of `uname` → the reported fields."""
    (folder / "rules.yaml").write_text(RULES)
    source = json.dumps([{"ptrace": {"command": ["sh", "-c", script]}}])
    options = ["-o", f"sources={source}", "-o", "sinks=[stdout: {format: json}]", "-o", f"state_dir={folder}/state"]
    done = subprocess.run(
        [sys.executable, "-m", "mozu", "run", "-r", folder / "rules.yaml", *options],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")}, capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert 0 == done.returncode, done.stderr
    fields = [alert["output_fields"] for alert in map(json.loads, done.stdout.splitlines()) if alert["rule"] == "Ran"]
    names = ("proc.is_sandboxed", "proc.namespaces", "container.type")
    return {one["proc.args"]: tuple(one[name] for name in names) for one in fields}


@pytest.mark.live
def test_unshare_makes_a_sandbox_that_is_no_container(tmp_path: Path) -> None:
    possible = subprocess.run([*SANDBOX.split(), "true"], capture_output=True, check=False)
    require(possible.returncode == 0, "this machine lets no process make a user namespace")
    found = seen(tmp_path, f"{SANDBOX} uname -n > /dev/null; uname -r > /dev/null")
    assert {"-n": (True, "mnt,net,user", "host"), "-r": (False, "", "host")} == found
