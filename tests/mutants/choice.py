"""Which tests may notice a mutation of a file."""

from pathlib import Path
from typing import Final

FURTHER: Final = {
    "core/flow": ("tests/core/runtime/engine",),
    "core/delivery": ("tests/core/runtime/engine",),
    "core/filter": ("tests/core/language/conditions", "tests/plugins/sources/test_ebpf_kernel_filter_choice.py"),
}
"""Folder → what else tests it, beside the tests that have its place in tests/."""


def named(root: Path, file: str) -> list[str]:
    """Test files that are named by it."""
    folder = mirror(root, file)
    return sorted(str(one.relative_to(root)) for one in (root / folder).glob(f"test_{Path(file).stem}*.py"))


def mirror(root: Path, file: str) -> str:
    """The folder of its tests."""
    return str(next(place for one in Path(file).parents if (place := Path("tests") / one) and (root / place).is_dir()))


def places(root: Path, file: str) -> list[str]:
    """All tests that are asked: the folder of its tests, and others that stand on it."""
    others = [more for place, found in FURTHER.items() if Path(file).is_relative_to(place) for more in found]
    return [mirror(root, file), *others]
