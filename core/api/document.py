"""The page docs/plugins/api.md, which `python -m mozu.core.api.document` prints from the code of what `mozu` and
`mozu.testing` export.

The page is made from the syntax of the modules, which has what objects lack: annotations as written, and the docstrings
of fields.
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
What the contracts mean is in [plugins/component.md](component.md), what is promised and for how long in
[plugins/writing.md](writing.md#what-is-promised). The kit for tests is [below](#the-kit-for-tests).
"""
_NAMED_HEAD: Final = """# What is named and not imported

Annotations and base classes of the names above name these. They are promised as far as they are shown, and no plugin
needs to import them; a type checker can: their module stands with each.
"""
_KIT_HEAD: Final = """# The kit for tests

What `mozu.testing` promises beside `DataEvent`. Checks raise `BrokenContract`, an AssertionError, with the sentence
that does not hold.
"""
_FIXTURES_HEAD: Final = """# Fixtures of pytest

pytest finds them by itself where mozu is installed. A fixture is a parameter of a test; nothing is imported for it.
"""
_KEYWORDS_ONLY: Final = "Its members are given by keyword (`name=…`) only."
_KIT: Final = "mozu.core.testing"
_FIXTURES: Final = "mozu.core.testing.pytest_plugin"


def page() -> str:
    """Return the whole page."""
    kit, promised = _modules(_KIT), {name: _modules(api.__name__)[name] for name in api.__all__}
    kit_names = {*importlib.import_module(_KIT).__all__} - {*api.__all__}
    named = _named_by(promised | {name: kit[name] for name in kit_names})
    parts = [_HEAD, *_sections(promised, promised), _NAMED_HEAD, *_sections(named, named, with_module=True)]
    return "\n".join((*parts, _KIT_HEAD, *_sections(kit_names, kit), _FIXTURES_HEAD, _fixtures()))


def _named_by(known: Mapping[str, str]) -> dict[str, str]:
    """Return name → module of every class and alias of mozu that the code of `known` names, directly or through another
    one, without `known` itself."""
    found, left = dict[str, str](), list(known.items())
    while left:
        name, module = left.pop()
        for other in _names_in(_shown(name, _tree(module))):
            made_in = _home(other, module)
            if made_in and other not in known and other not in found:
                found[other] = made_in
                left.append((other, made_in))
    return found


def _shown(name: str, tree: ast.Module) -> Iterator[ast.AST]:
    """Yield the nodes of a name's code that its section shows: bases, annotations, values of aliases."""
    node = _class(tree, name)
    if node is None:
        for one in tree.body:
            if _is_named(one, name):
                yield _without_body(one) if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef) else one
        return
    yield from node.bases
    for one in node.body:
        if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name) and not one.target.id.startswith("_"):
            yield one.annotation
        elif isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef) and not one.name.startswith("_"):
            yield _without_body(one)


def _is_named(node: ast.stmt, name: str) -> bool:
    """Return True if the statement defines the function, the constant or the alias of this name."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return node.name == name
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return any(isinstance(one, ast.Name) and one.id == name for one in targets)


def _without_body(node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.AST:
    defaults = [*node.args.defaults, *node.args.kw_defaults]
    shown = [one.annotation for one in ast.walk(node.args) if isinstance(one, ast.arg)] + defaults + [node.returns]
    return ast.Tuple([one for one in shown if one is not None], ast.Load())


def _names_in(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """Yield each name in the code, names in annotations that are strings included."""
    for node in nodes:
        for one in ast.walk(node):
            if isinstance(one, ast.Name):
                yield one.id
            elif isinstance(one, ast.Constant) and isinstance(one.value, str) and one.value.isidentifier():
                yield one.value


def _home(name: str, module: str) -> str:
    """Return the module of mozu that defines the class or alias that `module` knows by this name; empty if none does,
    or it is private or a type variable."""
    if name.startswith("_"):
        return ""
    made_in = _maker(module, name)
    if not made_in.startswith("mozu."):
        return ""
    tree = _tree(made_in)
    if _class(tree, name) is not None:
        return made_in
    node = next((one for one in tree.body if _is_named(one, name)), None)
    value = node.value if isinstance(node, ast.Assign) else None
    is_alias = isinstance(value, ast.Subscript | ast.BinOp | ast.Name)
    return made_in if is_alias else ""


def _sections(names: Iterable[str], modules: Mapping[str, str], *, with_module: bool = False) -> Iterator[str]:
    return (_section(name, modules[name], with_module=with_module) for name in sorted(names, key=str.lower))


def _section(name: str, module: str, *, with_module: bool) -> str:
    tree = _tree(module)
    node = _class(tree, name)
    home = f"In `{module}`.\n" if with_module else ""
    if node is None:
        return "\n".join(filter(None, (f"## {name}\n", home, f"{_value(name, tree)}\n")))
    bases = ", ".join(ast.unparse(base) for base in node.bases)
    lines = [f"## {name}\n", f"```python\nclass {node.name}{f'({bases})' if bases else ''}\n```\n"]
    doc = ast.get_docstring(node)
    lines += [f"{text}\n" for text in (home.rstrip(), doc, _KEYWORDS_ONLY if _is_keyword_only(node) else "") if text]
    members = [f"* {text}" for text in _members(node)]
    return "\n".join([*lines, *members, ""] if members else lines)


def _is_keyword_only(node: ast.ClassDef) -> bool:
    """Return True if the class is a structure with members that its constructor takes by keyword only."""
    has_members = any(isinstance(one, ast.AnnAssign) for one in node.body)
    return has_members and any(one.arg == "kw_only" for one in node.keywords)


def _fixtures() -> str:
    """Return a line for each fixture: its name and what a test gets. Hooks of pytest are left out."""
    functions = [node for node in _tree(_FIXTURES).body if isinstance(node, ast.FunctionDef)]
    found = [node for node in functions if not node.name.startswith("pytest_")]
    return "".join(f"* {_item(node.name, ast.get_docstring(node) or '')}\n" for node in found)


@cache
def _tree(module: str) -> ast.Module:
    return ast.parse(inspect.getsource(importlib.import_module(module)))


@cache
def _modules(package: str) -> Mapping[str, str]:
    """Return name → the module that defines it, for every name that the package imports."""
    found: dict[str, str] = {}
    for node in ast.walk(_tree(package)):
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            for one in node.names:
                found[one.name] = _maker(node.module, one.name)
    return found


def _maker(module: str, name: str) -> str:
    """Return the module that defines what `module` knows by this name, or the first module on the way that is not
    mozu's."""
    if not module.startswith("mozu."):
        return module
    for node in ast.walk(_tree(module)):
        if isinstance(node, ast.ImportFrom) and node.module is not None and name in {one.name for one in node.names}:
            return _maker(node.module, name)
    return module


def _value(name: str, tree: ast.Module) -> str:
    """Return the code and the text of a constant, a function or an alias."""
    for node, after in zip(tree.body, [*tree.body[1:], None], strict=True):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name:
            marks = "".join(f"@{ast.unparse(mark)}\n" for mark in node.decorator_list)
            return f"```python\n{marks}{_signature(node)}\n```\n\n{ast.get_docstring(node) or ''}"
        if _is_named(node, name):
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
    """Return the docstring of the field before this statement; empty if there is none."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
        return node.value.value
    return ""


if __name__ == "__main__":
    print(page(), end="")
