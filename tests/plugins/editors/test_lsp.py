"""`mozu lsp` under a client over the standard streams."""

import asyncio
import json
import random
import subprocess
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from tests.support.language_client import EditorClient, editor

RULES = """- list: shells
  items: [bash, zsh]

- macro: spawned
  condition: evt.type = execve

- rule: A shell
  desc: of a test
  condition: spawned and proc.name in (shells)
  output: "a shell %proc.name"
  priority: NOTICE
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "rules.yaml"
    path.write_text(RULES)
    return path


def talk(scene: Callable[[EditorClient], Awaitable[None]], *encodings: types.PositionEncodingKind) -> None:
    async def run() -> None:
        async with editor(encodings=encodings) as client:
            await scene(client)
            assert [] == client.messages

    asyncio.run(run())


def place(text: str, word: str) -> types.Position:
    """Return the place within a word, in units of UTF-16."""
    at = text.index(word) + 1
    before = text[text.rfind("\n", 0, at) + 1 : at]
    return types.Position(text.count("\n", 0, at), len(before.encode("utf-16-le")) // 2)


def test_findings_follow_the_text(file: Path) -> None:
    async def scene(client: EditorClient) -> None:
        uri = client.open(file, RULES.replace("NOTICE", "NOTED"))
        (found,) = await client.until(uri, lambda one: len(one) == 1)
        assert ("LOAD_ERR_YAML_VALIDATE", types.DiagnosticSeverity.Error) == (found.code, found.severity)
        assert types.Range(types.Position(10, 12), types.Position(10, 17)) == found.range

        client.change(uri, RULES)
        await client.until(uri, lambda one: not one)

        client.change(uri, RULES.replace("(shells)", "(shells, /bin/sh)"))
        await client.until(uri, lambda one: [each.code for each in one] == ["LINT_IMPOSSIBLE_VALUE"])

    talk(scene)


def test_completion_and_hover(file: Path) -> None:
    async def scene(client: EditorClient) -> None:
        text = RULES.replace("spawned and", "spawned and proc.na")
        document = types.TextDocumentIdentifier(client.open(file, text))

        completion = types.CompletionParams(document, types.Position(8, 32))
        found = await client.text_document_completion_async(completion)
        assert isinstance(found, types.CompletionList)
        (name,) = [one for one in found.items if one.label == "proc.name"]
        assert isinstance(name.text_edit, types.TextEdit)
        assert (types.Range(types.Position(8, 25), types.Position(8, 32)), "proc.name") == (
            name.text_edit.range,
            name.text_edit.new_text,
        )

        hover = await client.text_document_hover_async(types.HoverParams(document, types.Position(8, 16)))
        assert hover is not None
        assert isinstance(hover.contents, types.MarkupContent)
        assert "condition: evt.type = execve" in hover.contents.value

    talk(scene)


@pytest.mark.parametrize(
    ("encoding", "units"),
    [
        (types.PositionEncodingKind.Utf8, 4),
        (types.PositionEncodingKind.Utf16, 2),
        (types.PositionEncodingKind.Utf32, 1),
    ],
)
def test_columns_are_in_the_units_of_the_editor(file: Path, encoding: types.PositionEncodingKind, units: int) -> None:
    async def scene(client: EditorClient) -> None:
        text = RULES.replace("spawned and", "proc.cmdline = 🐦 and spawnd and")
        uri = client.open(file, text)
        found = await client.until(uri, lambda one: any("spawnd" in each.message for each in one))
        (wrong,) = [one for one in found if "spawnd" in one.message]
        assert (33 + units, 39 + units) == (wrong.range.start.character, wrong.range.end.character)

    talk(scene, encoding)


def test_no_state_of_a_file_that_is_typed_ends_the_server(file: Path) -> None:
    """The editor sends 500 states, which are beginnings of the file and the file with a part cut out, and asks at each
    place. The last state is the whole file."""
    dice = random.Random(45)

    async def scene(client: EditorClient) -> None:
        document = types.TextDocumentIdentifier(client.open(file, RULES))
        for _ in range(500):
            start = dice.randrange(len(RULES))
            rest = "" if dice.random() < 0.5 else RULES[start + dice.randrange(40) :]
            client.change(document.uri, RULES[:start] + rest)
            here = types.Position(dice.randrange(14), dice.randrange(50))
            await client.text_document_completion_async(types.CompletionParams(document, here))
            await client.text_document_hover_async(types.HoverParams(document, here))

        client.change(document.uri, RULES)
        hover = types.HoverParams(document, place(RULES, "spawned and"))
        assert await client.text_document_hover_async(hover) is not None
        await client.until(document.uri, lambda one: not one)

    talk(scene)


def test_definition_references_and_a_new_name(file: Path) -> None:
    async def scene(client: EditorClient) -> None:
        uri = client.open(file, RULES)
        document, used = types.TextDocumentIdentifier(uri), types.Position(8, 15)
        at_definition = types.Range(types.Position(3, 9), types.Position(3, 16))
        at_use = types.Range(types.Position(8, 13), types.Position(8, 20))

        defined = await client.text_document_definition_async(types.DefinitionParams(document, used))
        assert isinstance(defined, Sequence)
        assert [types.Location(uri, at_definition)] == list(defined)

        context = types.ReferenceContext(include_declaration=True)
        references = types.ReferenceParams(context, document, types.Position(3, 10))
        found = await client.text_document_references_async(references)
        assert [types.Location(uri, at_definition), types.Location(uri, at_use)] == list(found or ())

        place = await client.text_document_prepare_rename_async(types.PrepareRenameParams(document, used))
        assert at_use == place
        edit = await client.text_document_rename_async(
            types.RenameParams(text_document=document, position=used, new_name="started")
        )
        assert edit is not None
        assert {uri: [types.TextEdit(one, "started") for one in (at_definition, at_use)]} == {
            one: list(edits) for one, edits in (edit.changes or {}).items()
        }

        with pytest.raises(JsonRpcException, match="there is a list `shells` already"):
            await client.text_document_rename_async(
                types.RenameParams(text_document=document, position=used, new_name="shells")
            )

    talk(scene)


def test_a_rule_shows_its_tests_and_runs_them(file: Path) -> None:
    file.with_name("rules_test.yaml").write_text(
        "- test: bash is one\n  event: {evt.type: execve, proc.name: bash}\n  match: A shell\n"
    )

    async def scene(client: EditorClient) -> None:
        uri = client.open(file, RULES)
        (lens,) = await client.text_document_code_lens_async(
            types.CodeLensParams(types.TextDocumentIdentifier(uri))
        ) or ()
        assert types.Range(types.Position(6, 8), types.Position(6, 15)) == lens.range
        assert lens.command is not None
        assert "run 1 test" == lens.command.title

        params = types.ExecuteCommandParams(command=lens.command.command, arguments=lens.command.arguments)
        assert ["A shell: 1 passed"] == await client.workspace_execute_command_async(params)
        assert ["A shell: 1 passed"] == client.messages
        client.messages.clear()

    talk(scene)


def test_the_server_ends_in_peace_when_the_editor_says_so() -> None:
    messages: list[dict[str, object]] = [
        {"id": 1, "method": "initialize", "params": {"capabilities": {}}},
        {"id": 2, "method": "shutdown"},
        {"method": "exit"},
    ]
    texts = [json.dumps({"jsonrpc": "2.0", **one}) for one in messages]
    told = "".join(f"Content-Length: {len(text)}\r\n\r\n{text}" for text in texts)

    done = subprocess.run(
        [sys.executable, "-m", "mozu", "lsp"], input=told, capture_output=True, text=True, timeout=100
    )

    assert (0, "") == (done.returncode, done.stderr)
    assert '"name": "mozu"' in done.stdout
