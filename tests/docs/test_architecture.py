"""docs/architecture.md: its rooms are the tree's, in the order of the import contract; its stages are the code's."""

import ast
import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/architecture.md").read_text()
PIPELINES = {"SourcePipeline": "core/flow/pipeline.py", "AlertPipeline": "core/flow/alert_pipeline.py"}


def rooms() -> list[list[str]]:
    """Return the rooms of core, a list for each row of the table."""
    table = PAGE.partition("| room |")[2]
    rows = re.findall(r"^\| (`core/[^|]*) \|", table, re.MULTILINE)
    return [re.findall(r"core/(\w+)", row) for row in rows]


def layers() -> list[list[str]]:
    """Return the layers of core, from top to bottom, as imports are checked."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (found,) = (one["layers"] for one in contracts if one["name"] == "core: top to bottom")
    return [re.findall(r"\w+", layer) for layer in found]


def stages(owner: str, method: str) -> list[str]:
    """Return the names that a method of the pipeline calls on itself and its parts, in order."""
    tree = ast.parse((ROOT / PIPELINES[owner]).read_text())
    (found,) = (one for one in tree.body if isinstance(one, ast.ClassDef) and one.name == owner)
    (body,) = (one for one in found.body if isinstance(one, ast.FunctionDef) and one.name == method)
    calls = [node for node in ast.walk(body) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)]
    calls.sort(key=lambda call: (call.lineno, call.col_offset))
    return [call.func.attr.lstrip("_") for call in calls if isinstance(call.func, ast.Attribute)]


def test_the_table_has_every_room_of_core_and_no_other() -> None:
    named = {room for row in rooms() for room in row}
    there = {path.stem for path in (ROOT / "core").iterdir()} - {"__init__", "__pycache__"}
    assert there == named


def test_the_table_is_in_the_order_of_the_import_contract() -> None:
    floor = {room: number for number, layer in enumerate(layers()) for room in layer}
    order = [floor[room] for row in rooms() for room in row]
    assert sorted(order) == order


def test_a_batch_passes_the_stages_in_the_order_of_the_docstring() -> None:
    trees = [ast.parse((ROOT / path).read_text()) for path in PIPELINES.values()]
    docstring = "\n".join(ast.get_docstring(tree) or "" for tree in trees)
    listed = re.findall(r"^    (\w+(?: \w+)?)\s{2,}\w", docstring, re.MULTILINE)
    words = {
        "apply": "state", "admit": "hold", "redacted": "redact", "keep_sample": "shadow", "within_limits": "limit",
        "fan_out": "fan out",
    }  # fmt: skip
    calls = (*stages("SourcePipeline", "process"), *stages("AlertPipeline", "emit"))
    called = [words.get(name, name) for name in calls]
    assert listed == [name for name in called if name not in ("oldest", "monotonic", "failed")]


def test_every_file_on_the_page_exists() -> None:
    places = set(re.findall(r"`((?:core|plugins|bpf|tests|benchmarks|docs)/[\w/.]*)`", PAGE))
    assert len(places) > 30
    assert [place for place in sorted(places) if not (ROOT / place).exists()] == []
