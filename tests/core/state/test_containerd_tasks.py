from pathlib import Path

import pytest

from mozu.core.state import containerd_tasks
from mozu.core.state.containerd_tasks import has_task


def test_a_task_is_there_as_long_as_its_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(containerd_tasks, "STATE_DIRECTORIES", ("/nonexistent", str(tmp_path)))
    (tmp_path / "production/web1").mkdir(parents=True)
    before = has_task("production", "web1"), has_task("production", "web2")
    (tmp_path / "production/web1").rmdir()
    assert ((True, False), False) == (before, has_task("production", "web1"))
