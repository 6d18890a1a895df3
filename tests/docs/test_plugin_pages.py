"""Generated pages for plugin authors match the code, and so do the tables of docs/plugins/writing.md."""

import ast
import builtins
import importlib
import inspect
import pydoc
import re
from collections.abc import Iterator

import msgspec

import mozu
import mozu.testing
from mozu.core.api import VALUE_TYPES, FieldType
from mozu.core.api import document as api_page
from mozu.core.cli.plugin import document as examples_page
from mozu.core.runtime.config import RESERVED
from tests.support.requirements import ROOT


def test_the_reference_is_current() -> None:
    assert (ROOT / "docs/plugins/api.md").read_text() == api_page.page(), "write it again: make docs"


def _annotations(page: str) -> Iterator[ast.AST]:
    """Yield the annotations and the base classes that the page shows."""
    members, blocks = r"^\* `(.*)`(?:  )?$", r"```python\n(.*?)\n```"
    for code in re.findall(members, page, re.MULTILINE) + re.findall(blocks, page, re.DOTALL):
        is_header = code.startswith(("def ", "async def ", "class ", "@"))
        (node,) = ast.parse(f"{code}: ..." if is_header else code).body
        if isinstance(node, ast.AnnAssign):
            yield node.annotation
        elif isinstance(node, ast.ClassDef):
            yield from node.bases
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from (one.annotation for one in ast.walk(node.args) if isinstance(one, ast.arg) and one.annotation)


def test_the_reference_has_every_class_and_alias_of_mozu_that_it_names() -> None:
    page = api_page.page()
    shown = set(re.findall(r"^## (\w+)$", page, re.MULTILINE))
    named = {node.id for one in _annotations(page) for node in ast.walk(one) if isinstance(node, ast.Name)}
    modules = ("typing", "collections.abc", "enum", "logging", "pathlib", "pydantic", "msgspec", "click")
    others = {name for module in modules for name in dir(importlib.import_module(module))} | {*dir(builtins), *modules}
    assert {name for name in named - shown - others if len(name) > 1} == set()  # a single letter is a type variable
    assert {"ComponentDeclaration", "TimeCounter", "Pushdown", "Spawn", "Reader", "FieldValue"} <= shown


def test_the_reference_says_which_members_are_keyword_only() -> None:
    sections = dict(re.findall(r"^## (\w+)\n(.*?)(?=\n## |\Z)", api_page.page(), re.MULTILINE | re.DOTALL))
    marked = {name for name, text in sections.items() if "by keyword (`name=…`) only" in text}
    exported = {name: getattr(mozu, name) for name in mozu.core.api.__all__}
    structures = {name: one for name, one in exported.items() if _is_structure(one)}
    keyword_only = {name for name, one in structures.items() if _own_kinds(one) == {inspect.Parameter.KEYWORD_ONLY}}
    assert keyword_only == {name for name in marked & structures.keys() if _own_kinds(structures[name])}
    assert {"ComponentDeclaration", "PluginDeclaration"} <= marked


def _is_structure(found: object) -> bool:
    return inspect.isclass(found) and issubclass(found, msgspec.Struct)


def _own_kinds(structure: type) -> set[object]:
    """Return the kinds of the parameters by which the structure's own members are passed."""
    parameters = inspect.signature(structure).parameters
    return {parameters[name].kind for name in inspect.get_annotations(structure) if name in parameters}


def test_everything_that_is_promised_can_be_asked_for_help() -> None:
    for module in (mozu, mozu.testing):
        for name in module.__all__:
            found = getattr(module, name)
            if inspect.isclass(found) or callable(found):
                pydoc.render_doc(found)  # raises if an annotation names something that does not exist
    assert "commands" in inspect.signature(mozu.SinkDeclaration).parameters


def test_the_names_that_the_core_reserves_are_listed() -> None:
    page = (ROOT / "docs/plugins/writing.md").read_text()
    (listed,) = re.findall(r"Settings of these names belong to the core, in every entry: (.*?)\.", page, re.DOTALL)
    assert set(re.findall(r"`(\w+)`", listed)) == RESERVED


def test_the_reference_has_the_kit_and_what_is_returned_without_being_exported() -> None:
    page = api_page.page()
    names = {"Counter", "Resolved", *mozu.testing.__all__}
    assert names - set(re.findall(r"^## (\w+)$", page, re.MULTILINE)) == set()
    fixtures = page.partition("# Fixtures of pytest")[2]
    reported = re.findall(r"^\* `(\w+)`", fixtures, re.MULTILINE)
    assert reported == [
        "run_mozu",
        "recording_sink",
        "endpoint",
        "virtual_clock",
    ]


def test_the_examples_are_what_is_written_for_an_author() -> None:
    assert (ROOT / "docs/plugins/examples.md").read_text() == examples_page.page(), "write it again: make docs"


def test_the_table_of_values_has_every_type_with_its_class() -> None:
    table = (ROOT / "docs/plugins/writing.md").read_text().partition("## Values")[2].partition("\n## ")[0]
    reported: dict[str, set[str]] = {}
    for names, kinds in re.findall(r"^\| (`[A-Z`, ]+) \| ([^|]+) \|", table, re.MULTILINE):
        for name in re.findall(r"`([A-Z]+)`", names):
            kind = set(re.findall(r"`(\w+)`", kinds.partition(",")[0]))
            reported[name] = kind & {"str", "bytes", "int", "bool", "float"}
    assert {kind.name: {one.__name__ for one in VALUE_TYPES[kind]} for kind in FieldType} == reported
