"""A mozu that holds secrets is not dumpable."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from mozu.core.api import Secret, Settings
from mozu.core.runtime.secret_memory import holds_secret
from tests.support.requirements import DATA

GET_DUMPABLE = 3


class Inner(Settings):
    token: Secret | None = None
    named: Mapping[str, Secret] = {}


class Outer(Settings):
    name: str = "a"
    inner: Inner = Inner()
    more: tuple[Inner, ...] = ()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, False),
        ({"inner": {"token": "x"}}, True),
        ({"inner": {"token": ""}}, False),
        ({"inner": {"named": {"a": "x"}}}, True),
        ({"more": [{}, {"token": "x"}]}, True),
        ({"name": "x"}, False),
    ],
)
def test_settings_hold_a_secret_however_deep(given: dict[str, Any], expected: bool) -> None:
    assert expected is holds_secret(Outer.model_validate(given))


RUN = f"""
import ctypes, sys
from mozu.core.cli import main
sys.argv[1:] = ["run", "--json", "-c", sys.argv[1]]
try:
    main()
finally:
    print("dumpable", ctypes.CDLL(None).prctl({GET_DUMPABLE}, 0, 0, 0, 0), file=sys.stderr, flush=True)
"""


def dumpable(folder: Path, **more: object) -> int:
    """Return the dumpable flag after a run with a token, over a recording without events."""
    (folder / "rules.yaml").write_text("[]")
    settings = {
        "state_dir": str(folder / "state"), "sources": [{"replay": {"files": [str(DATA / "oracle/args-1.scap")]}}],
        "enrichers": [], "evaluators": [{"falco": {"rules": [str(folder / "rules.yaml")]}}], "sinks": ["stdout"],
        "http": {"listen": "127.0.0.1:0", "token": {"env": "MOZU_TOKEN"}}, **more,
    }  # fmt: skip
    (folder / "mozu.yaml").write_text(json.dumps(settings))
    words = [sys.executable, "-c", RUN, str(folder / "mozu.yaml")]
    environment = {**os.environ, "MOZU_TOKEN": "a token of sixteen characters"}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("dumpable ")] or [done.stderr]
    return int(line.split()[1])


@pytest.mark.parametrize(("more", "expected"), [({}, 0), ({"core_dumps": True}, 1)])
def test_a_run_with_a_secret_is_not_dumpable_unless_that_is_wanted(
    tmp_path: Path, more: dict[str, object], expected: int
) -> None:
    assert expected == dumpable(tmp_path, **more)
