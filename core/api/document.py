"""docs/api.md: `python -m mozu.core.api.document` prints it, from the code of what `mozu` exports.

Read from the syntax of the modules, which has what objects lack: annotations as they are written, and the docstrings of
fields.
"""

import ast
import importlib
import inspect
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Final

from mozu.core import api

_HEAD: Final = """# What plugins import

Every name that `mozu` (and `mozu.core.api`) promises to plugins, with its types; made from the code (`make docs`).
What the contracts mean is in [spec/component.md](spec/component.md), what is promised and for how long in
[hooks.md](hooks.md).
"""


def page() -> str:
    """The whole page."""
    return "\n".join((_HEAD, *(_section(name) for name in sorted(api.__all__, key=str.lower))))


def _section(name: str) -> str:
    module = importlib.import_module(_modules()[name])
    tree = ast.parse(inspect.getsource(module))
    node = _class(tree, name)
    if node is None:
        return f"## {name}\n\n{_value(name, tree)}\n"
    bases = ", ".join(ast.unparse(base) for base in node.bases)
    lines = [f"## {name}\n", f"```python\nclass {node.name}{f'({bases})' if bases else ''}\n```\n"]
    doc = ast.get_docstring(node)
    lines += [f"{doc}\n"] if doc else []
    members = [f"* {text}" for text in _members(node)]
    return "\n".join([*lines, *members, ""] if members else lines)


@cache
def _modules() -> Mapping[str, str]:
    """Name → where it is made, which a package may hand on."""
    found: dict[str, str] = {}
    for node in ast.walk(ast.parse(inspect.getsource(api))):
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            for one in node.names:
                found[one.name] = _maker(node.module, one.name)
    return found


def _maker(module: str, name: str) -> str:
    tree = ast.parse(inspect.getsource(importlib.import_module(module)))
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module is not None and name in {one.name for one in node.names}:
            return _maker(node.module, name)
    return module


def _value(name: str, tree: ast.Module) -> str:
    """A constant, a function or an alias."""
    for node, after in zip(tree.body, [*tree.body[1:], None], strict=True):
        if isinstance(node, ast.FunctionDef) and node.name == name:
            returns = "" if node.returns is None else f" -> {ast.unparse(node.returns)}"
            return f"```python\ndef {name}({ast.unparse(node.args)}){returns}\n```\n\n{ast.get_docstring(node) or ''}"
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
            keyword = "async def" if isinstance(one, ast.AsyncFunctionDef) else "def"
            returns = "" if one.returns is None else f" -> {ast.unparse(one.returns)}"
            is_property = any(isinstance(mark, ast.Name) and mark.id == "property" for mark in one.decorator_list)
            shown = f"{one.name}{returns.replace(' ->', ':')}" if is_property else None
            code = shown or f"{keyword} {one.name}({ast.unparse(one.args)}){returns}"
            yield _item(code, ast.get_docstring(one) or "")


def _item(code: str, text: str) -> str:
    return f"`{code}`" + (f"  \n  {' '.join(text.split())}" if text else "")


def _text(node: ast.stmt | None) -> str:
    """The docstring of the field before it."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
        return node.value.value
    return ""


if __name__ == "__main__":
    print(page(), end="")
