"""Which tests must notice a mutation of a file."""

from pathlib import Path
from typing import Final

FURTHER: Final = {
    "core/state": ("tests/oracle", "tests/core/recording"),
    "core/flow": ("tests/core/runtime/engine",),
    "core/delivery": ("tests/core/runtime/engine",),
    "core/filter": ("tests/core/language/conditions", "tests/plugins/sources/test_ebpf_kernel_filter_choice.py"),
}
"""Folder → what else tests it, beside the tests that have its place in tests/."""


def stages(root: Path, file: str, *, further: bool) -> list[list[str]]:
    """Tests to run one after the other until a mutation is noticed: named by the file, all of its folder, others."""
    path = Path(file)
    folder = next(place for one in path.parents if (place := Path("tests") / one) and (root / place).is_dir())
    named = sorted(str(one.relative_to(root)) for one in (root / folder).glob(f"test_{path.stem}*.py"))
    others = [more for place, more in FURTHER.items() if further and path.is_relative_to(place)]
    found = [named, [str(folder)], *map(list, others)]
    return [stage for stage in found if stage]
