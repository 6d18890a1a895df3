"""Fixtures for tests of reloads."""

from pathlib import Path

import pytest

from tests.core.runtime.engine.scene import Scene


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)
