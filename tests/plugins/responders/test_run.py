"""`run` passes a program the alert on its standard input, and nothing else of the alert."""

import asyncio
import json
import sys
from pathlib import Path

import pytest

from mozu.core.api import Incident, ResponsePlan
from mozu.core.testing import alert, check_declaration, context
from mozu.plugins.responders.run import RunResponder, RunSettings, mozu_components

PLAN = ResponsePlan(text="run")


def responder(code: str, *arguments: str, timeout: float = 20.0) -> RunResponder:
    return RunResponder(RunSettings(command=(sys.executable, "-c", code, *arguments), timeout=timeout), context("run"))


def test_it_keeps_the_contract() -> None:
    asyncio.run(check_declaration(mozu_components(), settings={"command": ["true"]}))


def test_the_program_reads_the_alert_and_mozu_s_environment_is_not_its(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOZU_SECRET", "x")
    code = "import os, sys; open(sys.argv[1], 'w').write(sys.stdin.read()); sys.exit('MOZU_SECRET' in os.environ)"
    hostile = alert("A rule", name="$(id)\n;")
    asyncio.run(responder(code, str(tmp_path / "out")).act(Incident(hostile), PLAN, []))
    found = json.loads((tmp_path / "out").read_text())
    assert (found["rule"], found["process"]) == ("A rule", None)


def test_an_exit_code_is_a_failure() -> None:
    with pytest.raises(RuntimeError, match="exit code 3"):
        asyncio.run(responder("raise SystemExit(3)").act(Incident(alert()), PLAN, []))


def test_a_program_that_does_not_end_is_killed() -> None:
    with pytest.raises(TimeoutError):
        asyncio.run(responder("import time; time.sleep(600)", timeout=0.2).act(Incident(alert()), PLAN, []))


def test_a_program_that_is_not_there_is_an_obstacle() -> None:
    (found,) = RunResponder(RunSettings(command=("/nowhere/act",)), context("run")).obstacles()
    assert "/nowhere/act" in found.reason
