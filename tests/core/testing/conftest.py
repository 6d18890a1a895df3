"""Patience of the kit, as its own tests have it."""

import sys

import pytest

from mozu.core.testing import broken


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What hangs for an hour is found in half a second, and a quiet source is taken to have no more at once."""
    monkeypatch.setattr(sys.modules["mozu.core.testing.check_source"], "_IDLE_SECONDS", 0.02)
    monkeypatch.setattr(broken.done, "__kwdefaults__", {"thread": None, "seconds": 0.5})
