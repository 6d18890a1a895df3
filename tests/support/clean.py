"""Programs that must find only the packages of their own environment."""

import os
import subprocess
from pathlib import Path


def clean_environment() -> dict[str, str]:
    """Return this process's environment without a path to mozu's sources."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


def run_clean(*command: object, cwd: Path | None = None, patience: float = 600) -> "subprocess.CompletedProcess[str]":
    """Run a program to its end; its output is text."""
    words = [str(word) for word in command]
    return subprocess.run(words, cwd=cwd, env=clean_environment(), capture_output=True, text=True, timeout=patience)
