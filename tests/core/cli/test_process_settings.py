"""The process settings that the command `mozu` makes before it imports any other module."""

import gc
import os
import subprocess
import sys

import pytest

from mozu.core.cli import process_settings
from mozu.core.cli.main import invoke


def _printed(code: str) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "PYDANTIC_DISABLE_PLUGINS"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    return done.stdout


def test_the_api_is_imported_after_the_process_is_prepared() -> None:
    code = (
        "import sys, mozu\n"
        "print('mozu.core.api' in sys.modules, 'pydantic' in sys.modules)\n"
        "import mozu.core.cli, gc, os\n"
        "print(gc.isenabled(), os.environ['PYDANTIC_DISABLE_PLUGINS'])\n"
    )

    assert _printed(code).splitlines() == ["False False", "False __all__"]


def test_a_process_that_imports_the_api_alone_is_left_as_it_is() -> None:
    code = "import gc, os\nfrom mozu import hookimpl\nprint(gc.isenabled(), 'PYDANTIC_DISABLE_PLUGINS' in os.environ)\n"

    assert _printed(code) == "True False\n"


def test_the_names_of_the_api_are_those_of_the_package() -> None:
    code = (
        "import mozu\n"
        "from mozu.core import api\n"
        "names = {}\n"
        "exec('from mozu import *', names)\n"
        "print(all(names[name] is getattr(api, name) is getattr(mozu, name) for name in api.__all__))\n"
        "print(set(api.__all__) <= set(dir(mozu)), hasattr(mozu, 'of_no_such_name'), hasattr(mozu, '__wrapped__'))\n"
    )

    assert _printed(code).splitlines() == ["True", "True False False"]


def test_a_command_that_starts_nothing_collects_garbage_at_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PYDANTIC_DISABLE_PLUGINS", "__all__")
    before = gc.get_threshold()
    try:
        process_settings.settle()
        assert not gc.isenabled()
        assert invoke(["explain", "--help"]) == 0
        assert gc.isenabled()
    finally:
        gc.enable()
        gc.set_threshold(*before)
