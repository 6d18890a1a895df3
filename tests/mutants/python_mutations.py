"""Mutations of a Python file: comparisons, operators, constants, conditions, and statements that are left out."""

import ast
import re
from collections.abc import Iterator
from typing import Final

from tests.mutants.mutation import Mutation

_COMPARISONS: Final = {
    ast.Lt: "<=", ast.LtE: "<", ast.Gt: ">=", ast.GtE: ">", ast.Eq: "!=", ast.NotEq: "==",
    ast.Is: "is not", ast.IsNot: "is", ast.In: "not in", ast.NotIn: "in",
}  # fmt: skip
_OPERATORS: Final = {
    ast.Add: "-", ast.Sub: "+", ast.Mult: "//", ast.FloorDiv: "*", ast.Div: "*", ast.Mod: "+",
    ast.BitAnd: "|", ast.BitOr: "&", ast.LShift: ">>", ast.RShift: "<<",
}  # fmt: skip
_BOOLEAN: Final = {ast.And: "or", ast.Or: "and"}
_WORD: Final = re.compile(r"not\s+in|is\s+not|\w+|[^\s\w()\[\]{}]+")
_PLAIN: Final = (ast.Name, ast.Call, ast.Attribute)
"""Conditions that are negated as a whole: other conditions have an operator to change."""
_DECLARATIVE: Final = (ast.Import, ast.ImportFrom, ast.Assert, ast.Raise)
"""Statements without mutations: messages of errors are words, and asserts are for the type checker."""


class _Finder(ast.NodeVisitor):
    """A visitor that collects mutations in the order of the file."""

    def __init__(self, source: str) -> None:
        self._lines = source.splitlines()
        self.found: list[Mutation] = []

    def visit(self, node: ast.AST) -> None:
        """Visit a node; leave out mere declarations, annotations and texts."""
        if isinstance(node, _DECLARATIVE) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
            return
        if isinstance(node, ast.If) and _is_for_types(node.test):
            return
        self._mutate(node)
        if isinstance(node, ast.AnnAssign):
            children: list[ast.AST] = [] if node.value is None else [node.value]
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            children = [*node.args.defaults, *(one for one in node.args.kw_defaults if one is not None), *node.body]
        elif isinstance(node, ast.ClassDef):
            children = [*node.body]
        else:
            children = [*ast.iter_child_nodes(node)]
        for child in children:
            self.visit(child)

    def _mutate(self, node: ast.AST) -> None:
        if isinstance(node, ast.Compare) and len(node.ops) == 1:
            self._between(node.left, node.comparators[0], _COMPARISONS.get(type(node.ops[0])))
        elif isinstance(node, ast.BinOp):
            self._between(node.left, node.right, _OPERATORS.get(type(node.op)))
        elif isinstance(node, ast.BoolOp):
            for left, right in zip(node.values, node.values[1:], strict=False):
                self._between(left, right, _BOOLEAN[type(node.op)])
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            self._replace(node, self._text(node.operand))
        elif isinstance(node, ast.Constant):
            self._constant(node)
        elif isinstance(node, ast.Return) and node.value is not None and not _is_none(node.value):
            self._replace(node.value, "None")
        elif isinstance(node, ast.Break | ast.Continue):
            self._replace(node, "continue" if isinstance(node, ast.Break) else "break")
        elif isinstance(node, ast.Expr | ast.AugAssign | ast.Delete) and _has_effect(node):
            self._replace(node, "pass")
        elif isinstance(node, ast.If | ast.While | ast.IfExp) and isinstance(node.test, _PLAIN):
            self._replace(node.test, f"(not {self._text(node.test)})")

    def _constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, bool):
            self._replace(node, str(not node.value))
        elif isinstance(node.value, int):
            self._replace(node, str(node.value + 1))

    def _text(self, node: ast.expr) -> str | None:
        if node.end_lineno != node.lineno or node.end_col_offset is None:
            return None
        return self._bytes(node.lineno)[node.col_offset : node.end_col_offset].decode()

    def _bytes(self, line: int) -> bytes:
        return self._lines[line - 1].encode()

    def _replace(self, node: ast.expr | ast.stmt, text: str | None) -> None:
        if text is None or node.end_lineno != node.lineno or node.end_col_offset is None:
            return
        raw = self._bytes(node.lineno)
        start, end = len(raw[: node.col_offset].decode()), len(raw[: node.end_col_offset].decode())
        self.found.append(Mutation(node.lineno, start, end, text))

    def _between(self, left: ast.expr, right: ast.expr, text: str | None) -> None:
        """Add a mutation of the operator between two operands."""
        if text is None or left.end_lineno != right.lineno or left.end_col_offset is None:
            return
        raw = self._bytes(right.lineno)
        start, end = len(raw[: left.end_col_offset].decode()), len(raw[: right.col_offset].decode())
        match = _WORD.search(self._lines[right.lineno - 1][start:end])
        if match is not None:
            self.found.append(Mutation(right.lineno, start + match.start(), start + match.end(), text))


def _is_for_types(test: ast.expr) -> bool:
    return isinstance(test, ast.Name) and test.id == "TYPE_CHECKING"


def _is_none(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is None


def _has_effect(node: ast.Expr | ast.AugAssign | ast.Delete) -> bool:
    """Return True if a statement does more than write to the log."""
    called = node.value if isinstance(node, ast.Expr) else None
    if isinstance(called, ast.Await):
        called = called.value
    if not isinstance(called, ast.Call):
        return not isinstance(node, ast.Expr)
    return not (isinstance(called.func, ast.Attribute) and "log" in ast.unparse(called.func.value))


def python_mutations(source: str) -> Iterator[Mutation]:
    """Yield every mutation of a file that leaves it a Python program."""
    finder = _Finder(source)
    finder.visit(ast.parse(source))
    for mutation in sorted(set(finder.found)):
        changed = mutation.applied(source)
        try:
            ast.parse(changed)
        except SyntaxError:
            continue
        if changed != source:
            yield mutation
