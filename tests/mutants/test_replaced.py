import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.mutants.replaced import CannotReplaceError, module_of, replace_functions

FILE = "core/an_example.py"
SOURCE = """\
LIMIT = 3


def limited(x, most=5):
    return min(x, most)


def outer(x):
    def inner():
        return x + 1
    return inner


class Box:
    size = 4

    def room(self):
        return self.size + 1

    @property
    def double(self):
        return self.size * 2
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return the source as an imported module."""
    path = tmp_path / "an_example.py"
    path.write_text(SOURCE)
    spec = importlib.util.spec_from_file_location(module_of(FILE), path)
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, module_of(FILE), made)
    spec.loader.exec_module(made)
    return made


def test_a_file_is_imported_by_one_name() -> None:
    assert module_of("core/flow/pipeline.py") == "mozu.core.flow.pipeline"


def test_a_function_that_others_hold_does_the_changed_thing(module: ModuleType) -> None:
    held = module.limited
    replace_functions(FILE, SOURCE, SOURCE.replace("min(", "max("))
    assert held(1) == 5


def test_methods_and_properties_of_objects_that_exist_do_the_changed_thing(module: ModuleType) -> None:
    box = module.Box()
    replace_functions(FILE, SOURCE, SOURCE.replace("size + 1", "size + 2"))
    replace_functions(FILE, SOURCE, SOURCE.replace("size * 2", "size * 3"))
    assert (box.room(), box.double) == (6, 12)


def test_functions_inside_of_functions_change_whether_made_before_or_after(module: ModuleType) -> None:
    made = module.outer(1)
    replace_functions(FILE, SOURCE, SOURCE.replace("x + 1", "x + 2"))
    assert (made(), module.outer(1)()) == (3, 3)


@pytest.mark.parametrize(
    "changed",
    [
        SOURCE.replace("LIMIT = 3", "LIMIT = 4"),
        SOURCE.replace("most=5", "most=6"),
        SOURCE.replace("size = 4", "size = 5"),
        SOURCE.replace("    @property\n", ""),
        SOURCE + "\n\ndef more():\n    return 1\n",
    ],
    ids=["a constant", "a default", "an attribute of a class", "a decorator", "a new function"],
)
def test_what_imports_execute_is_not_replaced(module: ModuleType, changed: str) -> None:
    with pytest.raises(CannotReplaceError):
        replace_functions(FILE, SOURCE, changed)


def test_a_function_that_was_thrown_away_is_not_replaced(module: ModuleType) -> None:
    del module.limited
    with pytest.raises(CannotReplaceError):
        replace_functions(FILE, SOURCE, SOURCE.replace("min(", "max("))


def test_a_module_that_nobody_has_imported_is_not_replaced() -> None:
    with pytest.raises(CannotReplaceError):
        replace_functions("core/no_such_file.py", SOURCE, SOURCE)
