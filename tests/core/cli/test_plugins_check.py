"""`mozu plugins check`: faults with which the plugin can run are reported, too."""

import pytest

from mozu.core.cli import invoke
from tests.core.runtime.distributions import Install

SINK = """
from mozu.core.api import Settings, SinkDeclaration, hookimpl
from pydantic import Field

class PlainSettings(Settings):
    size: int = Field(0, gt=0)
    tag: str = ""

class Plain:
    def __init__(self, settings, context): pass
    def start(self): pass
    def deliver(self, records): pass
    async def stop(self): pass

@hookimpl
def mozu_components():
    return SinkDeclaration(name="plain", build=Plain, settings=PlainSettings, summary="Plain.")
"""


def test_methods_on_the_event_loop_and_defaults_that_would_be_refused_are_reported(
    install: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    install("mozu-plain", {"plain_checked": SINK}, plain="plain_checked")
    assert 1 == invoke(["plugins", "check", "plain"])
    out, err = capsys.readouterr()
    fault = "its setting 'size' has the default 0, which would be refused (Input should be greater than 0); change it"
    assert f"settings of sink plain: FAILED: {fault}\n" in out
    assert "mozu: warning: mozu-plain 1.2: `start`, `deliver` of sink plain run on the event loop; make them" in err
