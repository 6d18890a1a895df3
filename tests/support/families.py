"""Families of acts (tests.support.calls, tests.support.edges) as separate programs, watched or not."""

import pickle
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from mozu.core.model.event import SyscallEvent
from mozu.plugins.sources.ptrace.source import PtraceSource
from tests.support.actor import ROOT
from tests.support.live import context, demand


def line(acts: str, family: str, place: Path) -> list[str]:
    """Return the command that runs a family; `reported` reads its result afterwards."""
    return [sys.executable, "-m", f"tests.support.{acts}", family, str(place), str(place / "reported")]


def reported(place: Path) -> Any:
    """Return the result of the family that ran in this directory."""
    return pickle.loads((place / "reported").read_bytes())


def unwatched(acts: str, families: Iterable[str], folders: pytest.TempPathFactory) -> dict[str, Any]:
    """Return the result of each family, by name, from runs without a tracer or a monitor."""
    found = {}
    for family in families:
        place = folders.mktemp(family)
        subprocess.run(line(acts, family, place), cwd=ROOT, check=True, timeout=60)
        found[family] = reported(place)
    return found


async def traced(command: list[str], types: Iterable[str], state_dependencies: Iterable[str]) -> list[SyscallEvent]:
    """Return every event that tracing a command yields."""
    source = PtraceSource(command, None, job_control=False, context=context("ptrace"))
    await source.start(demand(*types, state_dependencies=state_dependencies))
    return [event async for batch in source.batches() for event in batch]
