"""Vocabulary of the field: private names that were replaced do not come back; and no file is too large to be read."""

import ast
import io
import re
import tokenize
from pathlib import Path

from tests.support.requirements import ROOT

PRIVATE = re.compile(
    r"\b(acquaint\w*|nobody|somebody|whoever|anybody|everybody|graves?|parcels?|errands?|turn(?:s|ed)? away)\b",
    re.IGNORECASE,
)
USER = re.compile(r"""(user|group|uid|gid|name|su|chown|setuid)\b.{0,20}[\s`'"=:(]nobody\b|`nobody`""", re.IGNORECASE)
"""Pattern of `nobody` as the name of a user."""
MAX_FUNCTION = 60
_NO_CODE = (
    tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER,
)  # fmt: skip


def texts() -> list[Path]:
    found = [path for top in ("core", "plugins", "bpf", "docs") for path in (ROOT / top).rglob("*")]
    suffixes = {".py", ".c", ".h", ".md", ".yaml", ".tsv"}
    return [*ROOT.glob("*.md"), *(path for path in found if path.suffix in suffixes)]


def test_private_words_do_not_come_back() -> None:
    found = []
    for path in texts():
        name = str(path.relative_to(ROOT))
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if name != "CHANGELOG.md" and PRIVATE.search(USER.sub("", line)):
                found.append(f"{name}:{number}: {line.strip()}")
    assert found == []


def lines_of_code(text: str, tree: ast.Module) -> set[int]:
    """Return the numbers of the lines that hold more than blanks, comments and docstrings."""
    prose: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            prose.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    code: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in _NO_CODE:
            code.update(range(token.start[0], token.end[0] + 1))
    return code - prose


def test_functions_can_be_read() -> None:
    too_long = []
    for path in [path for path in texts() if path.suffix == ".py"]:
        tree = ast.parse(path.read_text())
        lines = lines_of_code(path.read_text(), tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                size = sum(node.lineno <= line <= (node.end_lineno or 0) for line in lines)
                if size > MAX_FUNCTION:
                    too_long.append(f"{path.relative_to(ROOT)}:{node.lineno}: {node.name}: {size} lines")
    assert too_long == []


def test_core_says_any_where_nothing_better_can_be_said() -> None:
    """Needed for compiled conditions, arguments of system calls and foreign libraries without types; the number only
    shrinks."""
    trees = [ast.parse(path.read_text()) for path in (ROOT / "core").rglob("*.py")]
    found = sum(isinstance(node, ast.Name) and node.id == "Any" for tree in trees for node in ast.walk(tree))
    assert 0 < found < 224


def test_components_are_asked_by_protocol_and_not_by_getattr() -> None:
    """Only the check of contracts looks members up by name."""
    asked = re.compile(r"(getattr|hasattr)\([^,()]*component\b")
    found = {
        str(path.relative_to(ROOT)) for path in (ROOT / "core").rglob("*.py") if asked.search(path.read_text())
    }
    assert found == {"core/api/contract.py"}
    untyped = re.compile(r"Isolated\[Any\]\]|: Isolated\[Any\] =(?! copy)")
    assert [str(path) for path in (ROOT / "core").rglob("*.py") if untyped.search(path.read_text())] == []
