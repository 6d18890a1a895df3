"""The memory limit: as set, or derived from mozu's cgroup."""

import pytest
from pydantic import ValidationError

from mozu.core.runtime.config import memory
from mozu.core.runtime.config.memory import MemorySettings


@pytest.mark.parametrize(
    ("written", "limit"), [("256MiB", 256 << 20), (268_435_456, 256 << 20), ("1GB", 10**9), (0, 0)]
)
def test_a_limit_is_a_number_of_bytes_with_or_without_a_unit(written: object, limit: int) -> None:
    assert limit == MemorySettings.model_validate({"limit": written}).bound()


@pytest.mark.parametrize("written", ["10MiB", "much", "1x", -1])
def test_what_no_limit_can_be_is_refused(written: object) -> None:
    with pytest.raises(ValidationError):
        MemorySettings.model_validate({"limit": written})


@pytest.mark.parametrize(("of_cgroup", "bound"), [(1000, 900), (None, 0)])
def test_by_default_it_is_nine_tenths_of_what_the_cgroup_may_take(
    monkeypatch: pytest.MonkeyPatch, of_cgroup: int | None, bound: int
) -> None:
    monkeypatch.setattr(memory, "memory_limit", lambda: of_cgroup)
    assert bound == MemorySettings().bound()
