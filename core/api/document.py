"""docs/api.md: `python -m mozu.core.api.document` prints it, from the code of what `mozu` and `mozu.testing` export.

Read from the syntax of the modules, which has what objects lack: annotations as they are written, and the docstrings of
fields.
"""

import ast
import importlib
import inspect
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Final

from mozu.core import api

_HEAD: Final = """# What plugins import

Every name that `mozu` (and `mozu.core.api`) promises to plugins, with its types; made from the code (`make docs`).
What the contracts mean is in [spec/component.md](spec/component.md), what is promised and for how long in
[plugins.md](plugins.md#what-is-promised). The kit for tests is [below](#the-kit-for-tests).
"""
_GIVEN_HEAD: Final = """# What is given and not imported

Calls of the names above return these.
"""
_KIT_HEAD: Final = """# The kit for tests

What `mozu.testing` promises beside `DataEvent`. Checks raise `BrokenContract`, an AssertionError, with the sentence
that does not hold.
"""
_FIXTURES_HEAD: Final = """# Fixtures of pytest

pytest finds them by itself where mozu is installed. A fixture is a parameter of a test; nothing is imported for it.
"""
_GIVEN: Final = {"Counter": "mozu.core.metrics", "Resolved": "mozu.core.model.fields.field"}
"""Name → module. What `Metrics.counter` and `FieldRegistry.resolve` return."""
_KIT: Final = "mozu.core.testing"
_FIXTURES: Final = "mozu.core.testing.pytest_plugin"


def page() -> str:
    """The whole page."""
    kit = _modules(_KIT)
    kit_names = {*importlib.import_module(_KIT).__all__} - {*api.__all__}
    parts = [_HEAD, *_sections(api.__all__, _modules(api.__name__)), _GIVEN_HEAD, *_sections(_GIVEN, _GIVEN)]
    return "\n".join((*parts, _KIT_HEAD, *_sections(kit_names, kit), _FIXTURES_HEAD, _fixtures()))


def _sections(names: Iterable[str], modules: Mapping[str, str]) -> Iterator[str]:
    return (_section(name, modules[name]) for name in sorted(names, key=str.lower))


def _section(name: str, module: str) -> str:
    tree = _tree(module)
    node = _class(tree, name)
    if node is None:
        return f"## {name}\n\n{_value(name, tree)}\n"
    bases = ", ".join(ast.unparse(base) for base in node.bases)
    lines = [f"## {name}\n", f"```python\nclass {node.name}{f'({bases})' if bases else ''}\n```\n"]
    doc = ast.get_docstring(node)
    lines += [f"{doc}\n"] if doc else []
    members = [f"* {text}" for text in _members(node)]
    return "\n".join([*lines, *members, ""] if members else lines)


def _fixtures() -> str:
    """One line each: what a test gets. Hooks of pytest are no fixtures."""
    functions = [node for node in _tree(_FIXTURES).body if isinstance(node, ast.FunctionDef)]
    found = [node for node in functions if not node.name.startswith("pytest_")]
    return "".join(f"* {_item(node.name, ast.get_docstring(node) or '')}\n" for node in found)


def _tree(module: str) -> ast.Module:
    return ast.parse(inspect.getsource(importlib.import_module(module)))


@cache
def _modules(package: str) -> Mapping[str, str]:
    """Name → where it is made, which a package may hand on."""
    found: dict[str, str] = {}
    for node in ast.walk(_tree(package)):
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            for one in node.names:
                found[one.name] = _maker(node.module, one.name)
    return found


def _maker(module: str, name: str) -> str:
    for node in ast.walk(_tree(module)):
        if isinstance(node, ast.ImportFrom) and node.module is not None and name in {one.name for one in node.names}:
            return _maker(node.module, name)
    return module


def _value(name: str, tree: ast.Module) -> str:
    """A constant, a function or an alias."""
    for node, after in zip(tree.body, [*tree.body[1:], None], strict=True):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name:
            marks = "".join(f"@{ast.unparse(mark)}\n" for mark in node.decorator_list)
            return f"```python\n{marks}{_signature(node)}\n```\n\n{ast.get_docstring(node) or ''}"
        targets: list[ast.expr] = node.targets if isinstance(node, ast.Assign) else []
        targets += [node.target] if isinstance(node, ast.AnnAssign) else []
        if any(isinstance(one, ast.Name) and one.id == name for one in targets):
            return f"```python\n{ast.unparse(node)}\n```\n\n{_text(after)}".rstrip()
    raise LookupError(name)


def _class(tree: ast.Module, name: str) -> ast.ClassDef | None:
    return next((node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.name == name), None)


def _members(node: ast.ClassDef) -> Iterator[str]:
    for one, after in zip(node.body, [*node.body[1:], None], strict=True):
        if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name) and not one.target.id.startswith("_"):
            value = "" if one.value is None else f" = {ast.unparse(one.value)}"
            yield _item(f"{one.target.id}: {ast.unparse(one.annotation)}{value}", _text(after))
        elif isinstance(one, ast.Assign) and isinstance(one.targets[0], ast.Name):
            if not one.targets[0].id.startswith("_"):
                yield _item(f"{one.targets[0].id} = {ast.unparse(one.value)}", _text(after))
        elif isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef) and not one.name.startswith("_"):
            returns = "" if one.returns is None else f" -> {ast.unparse(one.returns)}"
            is_property = any(isinstance(mark, ast.Name) and mark.id == "property" for mark in one.decorator_list)
            shown = f"{one.name}{returns.replace(' ->', ':')}" if is_property else None
            code = shown or _signature(one)
            yield _item(code, ast.get_docstring(one) or "")


def _signature(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    keyword = "async def" if isinstance(node, ast.AsyncFunctionDef) else "def"
    returns = "" if node.returns is None else f" -> {ast.unparse(node.returns)}"
    return f"{keyword} {node.name}({ast.unparse(node.args)}){returns}"


def _item(code: str, text: str) -> str:
    return f"`{code}`" + (f"  \n  {' '.join(text.split())}" if text else "")


def _text(node: ast.stmt | None) -> str:
    """The docstring of the field before it."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
        return node.value.value
    return ""


if __name__ == "__main__":
    print(page(), end="")
