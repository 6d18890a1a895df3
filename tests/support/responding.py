"""mozu with responders: for each trap a rule, by whose name the responder that acts is known."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from mozu.core.model.syscalls import machine_number
from tests.support.requirements import ROOT

OPENS: Final = """
import os, sys
print("ready", flush=True)
sys.stdin.readline()
os.close(os.open(sys.argv[1], os.O_RDONLY))
sys.stdin.read()
"""
"""A program that opens its argument once it is given a line, and ends with its input."""


LEADERLESS: Final = f"""
import ctypes, os, sys, threading
def other():
    print("ready", flush=True)
    sys.stdin.readline()
    os.close(os.open(sys.argv[1], os.O_RDONLY))
    sys.stdin.read()
threading.Thread(target=other).start()
ctypes.CDLL(None).syscall({machine_number("exit")}, 0)
"""
"""The same by another thread than the first one, which ends at once."""


def in_containers(names: Sequence[str]) -> dict[str, str]:
    """Traps that need no file: a failed open is one, too."""
    return {name: f"/mozu-{name}" for name in names}


def in_folder(folder: Path, names: Sequence[str]) -> dict[str, str]:
    """Traps that are files of a folder, which is made so that every user may open them."""
    folder.chmod(0o755)
    for name in names:
        (folder / name).touch()
    return {name: f"{folder}/{name}" for name in names}


def configured(
    folder: Path, traps: Mapping[str, str], responders: Sequence[Any], *, output: str = "%proc.pid", **more: object
) -> Path:
    """A configuration file: an open of a trap (a path, or several with commas) raises an alert of the trap's name,
    to which the responder of that name answers. `more`: further settings."""
    conditions = {
        name: f"evt.type in (open, openat, openat2) and fd.name in ({paths})" for name, paths in traps.items()
    }
    return configured_rules(folder, conditions, responders, output=output, **more)


def configured_rules(
    folder: Path, conditions: Mapping[str, str], responders: Sequence[Any], *, output: str = "%proc.pid", **more: object
) -> Path:
    """The same with conditions of one's own, by the names of their rules."""
    rules = [
        {
            "rule": name, "desc": name, "output": output, "priority": "WARNING", "mozu": {"respond": name},
            "condition": condition,
        }
        for name, condition in conditions.items()
    ]  # fmt: skip
    (folder / "rules.yaml").write_text(json.dumps(rules))
    entries = {
        "state_dir": str(folder / "state"),
        "sources": [{"ebpf": {}}],
        "enrichers": [],
        "evaluators": [{"falco": {"rules": [str(folder / "rules.yaml")]}}],
        "sinks": ["stdout"],
        "responders": responders,
        **more,
    }
    (folder / "mozu.yaml").write_text(json.dumps(entries))
    return folder / "mozu.yaml"


@contextmanager
def opener(path: Path, user: int | None = None, code: str = OPENS) -> Iterator["subprocess.Popen[str]"]:
    """A process that opens this file when it is let go, and then waits for the end of its input."""
    command = [sys.executable if user is None else "/usr/bin/python3", "-c", code, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, user=user) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process


def let_go(process: "subprocess.Popen[str]") -> None:
    """The process opens its file."""
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def mozu(*arguments: str) -> str:
    """What another mozu writes, which must end well."""
    done = subprocess.run(
        [sys.executable, "-m", "mozu", *arguments], env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout


def undo(folder: Path, act: str) -> None:
    """`mozu responders undo`, beside the mozu of this configuration."""
    mozu("responders", "undo", act, "-c", str(folder / "mozu.yaml"))
