"""Fixtures of the kit, which pytest finds where mozu is installed.

Everything is imported when a fixture is asked for: a project with mozu beside it and no use for the kit pays nothing.
"""

from collections.abc import Callable, Coroutine, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from mozu.core.testing.recording_sink import RecordingSink
    from mozu.core.testing.run_mozu import MozuRun
    from mozu.core.testing.scripted_endpoint import Reply, ScriptedEndpoint


@pytest.fixture
def run_mozu() -> "Callable[..., MozuRun]":
    """`run_mozu(config, events) -> MozuRun`: a whole run."""
    from mozu.core.testing.run_mozu import run_mozu as run

    return run


@pytest.fixture
def recording_sink() -> "RecordingSink":
    """A sink that keeps what it is given; `recording_sink.declaration(name)` for a run."""
    from mozu.core.testing.recording_sink import RecordingSink

    return RecordingSink()


@pytest.fixture
def endpoint() -> "Iterator[Callable[..., ScriptedEndpoint]]":
    """`endpoint(503, Reply(429, headers={"Retry-After": "1"}), 200)`: an HTTP server that answers so."""
    from mozu.core.testing.scripted_endpoint import ScriptedEndpoint

    made: list[ScriptedEndpoint] = []

    def make(*script: "Reply | int") -> ScriptedEndpoint:
        made.append(ScriptedEndpoint(script or (200,)))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def virtual_clock() -> "Callable[[Coroutine[Any, Any, Any]], Any]":
    """`virtual_clock(coroutine)`: its result, on a loop whose clock jumps to the next timer instead of waiting."""
    from mozu.core.testing.virtual_clock import run

    return run
