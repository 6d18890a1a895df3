"""Fixtures of the kit, and tests of rules (docs/rules/tests.md), which pytest finds where mozu is installed.

Everything is imported when it is asked for: a project with mozu beside it and no use for the kit pays nothing.
"""

from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from mozu.core.testing.recording_sink import RecordingSink
    from mozu.core.testing.rule_test_items import RuleTestCollector
    from mozu.core.testing.run_mozu import MozuRun
    from mozu.core.testing.scripted_endpoint import Reply, ScriptedEndpoint


_ENDINGS = ("_test.yaml", "_test.yml")


def pytest_addoption(parser: pytest.Parser) -> None:
    """`mozu_plugins` in pytest.ini or pyproject.toml."""
    parser.addini("mozu_plugins", "Plugins of mozu whose fields rules under test read.", "args", default=[])


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> "RuleTestCollector | None":
    """Files `*_test.yaml` that hold tests of rules; others of the name are other people's."""
    if not file_path.name.endswith(_ENDINGS):
        return None
    from mozu.core.language.rules.rule_test_names import is_rule_tests

    if not is_rule_tests(file_path):
        return None
    from mozu.core.testing.rule_test_items import RuleTestCollector

    return RuleTestCollector.from_parent(parent, path=file_path)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the coverage by tests of rules, if they ran in this process."""
    import sys

    items = sys.modules.get("mozu.core.testing.rule_test_items")
    if items is not None and (text := items.summary_of(config)):
        terminalreporter.write_line(f"mozu: {text}")


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
