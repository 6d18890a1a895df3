"""Short timeouts of the kit, for its own tests."""

import sys

import pytest

from mozu.core.testing import broken


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Find a hang of an hour within half a second, and take a quiet source to have no more at once."""
    monkeypatch.setattr(sys.modules["mozu.core.testing.check_source"], "_IDLE_SECONDS", 0.02)
    monkeypatch.setattr(broken.done, "__kwdefaults__", {"thread": None, "seconds": 0.5})
