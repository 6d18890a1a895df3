"""mozu with responders: a rule for each trap, with the name of the responder that acts."""

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
"""Program that opens its argument once it reads a line, and ends with its input."""


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
"""Program that does the same in a second thread; the first thread ends at once."""


def in_containers(names: Sequence[str]) -> dict[str, str]:
    """Return traps that need no file: a failed open counts too."""
    return {name: f"/mozu-{name}" for name in names}


def in_folder(folder: Path, names: Sequence[str]) -> dict[str, str]:
    """Return traps that are files of a folder, which is made so that every user may open them."""
    folder.chmod(0o755)
    for name in names:
        (folder / name).touch()
    return {name: f"{folder}/{name}" for name in names}


def configured(
    folder: Path, traps: Mapping[str, str], responders: Sequence[Any], *, output: str = "%proc.pid", **more: object
) -> Path:
    """Write a configuration file and return its path.

    An open of a trap (a path, or several with commas) raises an alert of the trap's name, to which the responder of
    that name answers. `more`: further settings.
    """
    conditions = {
        name: f"evt.type in (open, openat, openat2) and fd.name in ({paths})" for name, paths in traps.items()
    }
    return configured_rules(folder, conditions, responders, output=output, **more)


def configured_rules(
    folder: Path, conditions: Mapping[str, str], responders: Sequence[Any], *, output: str = "%proc.pid", **more: object
) -> Path:
    """Do the same as `configured` with the conditions of `conditions`, by the names of their rules."""
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
    """Yield a process that opens this file when it is let go, and then waits for the end of its input."""
    command = [sys.executable if user is None else "/usr/bin/python3", "-c", code, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, user=user) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process


def let_go(process: "subprocess.Popen[str]") -> None:
    """Let the process open its file."""
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def mozu(*arguments: str) -> str:
    """Run another mozu, which must end well; return its output."""
    done = subprocess.run(
        [sys.executable, "-m", "mozu", *arguments], env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout


def undo(folder: Path, act: str) -> None:
    """Run `mozu responders undo`, beside the mozu of this configuration."""
    mozu("responders", "undo", act, "-c", str(folder / "mozu.yaml"))
