"""Fixtures for tests of several commands."""

import pytest

from mozu.core.cli import invoke
from tests.core.cli.command_line import Run


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command line in this process."""

    def run(*arguments: object) -> tuple[int, str, str]:
        code = invoke([str(argument) for argument in arguments])
        output = capsys.readouterr()
        return code, output.out, output.err

    return run
