"""The Language Server Protocol over the standard streams, answered by a `RuleWorkspace`."""

import os
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Final

from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams
from pygls.lsp.server import LanguageServer

from mozu.core.api.rule_workspace import (
    Completion,
    CompletionKind,
    FindingKind,
    Position,
    RenameRefused,
    RuleFinding,
    RuleTestRunner,
    RuleWorkspace,
    Span,
)
from mozu.plugins.editors.lsp.positions import Positions
from mozu.plugins.editors.lsp.publisher import FindingsPublisher

_SEVERITIES: Final[Mapping[FindingKind, types.DiagnosticSeverity]] = {
    FindingKind.ERROR: types.DiagnosticSeverity.Error,
    FindingKind.WARNING: types.DiagnosticSeverity.Warning,
    FindingKind.ADVICE: types.DiagnosticSeverity.Hint,
}
_KINDS: Final[Mapping[CompletionKind, types.CompletionItemKind]] = {
    CompletionKind.KEY: types.CompletionItemKind.Property,
    CompletionKind.FIELD: types.CompletionItemKind.Field,
    CompletionKind.OPERATOR: types.CompletionItemKind.Operator,
    CompletionKind.KEYWORD: types.CompletionItemKind.Keyword,
    CompletionKind.TRANSFORMER: types.CompletionItemKind.Function,
    CompletionKind.VALUE: types.CompletionItemKind.EnumMember,
    CompletionKind.MACRO: types.CompletionItemKind.Class,
    CompletionKind.LIST: types.CompletionItemKind.Variable,
    CompletionKind.EXCEPTION: types.CompletionItemKind.Constant,
    CompletionKind.RULE: types.CompletionItemKind.Event,
}
_MOST: Final = 250
"""Maximum number of words in one answer; an editor asks again when more has been typed."""
_RUN_TESTS: Final = "mozu.runTests"
"""Command of a lens; its arguments are the URI of the rule file and the rule."""
_TRIGGERS: Final = (".", "%", "(", " ", "[")


def serve(rules: RuleWorkspace, tests: RuleTestRunner) -> None:
    """Serve an editor until it ends the conversation."""
    server = RuleServer(rules, tests)
    try:
        # pygls closes the streams that it is given, and the command still flushes its own.
        incoming, outgoing = os.dup(sys.stdin.fileno()), os.dup(sys.stdout.fileno())
        with os.fdopen(incoming, "rb") as reads, os.fdopen(outgoing, "wb") as writes:
            server.start_io(reads, writes)
    finally:
        server.publisher.close()


class RuleServer(LanguageServer):
    """The server of one editor."""

    def __init__(self, rules: RuleWorkspace, tests: RuleTestRunner) -> None:
        super().__init__("mozu", _version())
        self.rules, self.tests = rules, tests
        self.places = Positions(rules.line, lambda: self.workspace.position_encoding)
        self.publisher = FindingsPublisher(rules, self._publish)
        self.feature(types.TEXT_DOCUMENT_DID_OPEN)(_opened)
        self.feature(types.TEXT_DOCUMENT_DID_CHANGE)(_changed)
        self.feature(types.TEXT_DOCUMENT_DID_CLOSE)(_closed)
        options = types.CompletionOptions(trigger_characters=_TRIGGERS)
        self.feature(types.TEXT_DOCUMENT_COMPLETION, options)(_completion)
        self.feature(types.TEXT_DOCUMENT_HOVER)(_hover)
        self.feature(types.TEXT_DOCUMENT_DEFINITION)(_definition)
        self.feature(types.TEXT_DOCUMENT_REFERENCES)(_references)
        self.feature(types.TEXT_DOCUMENT_PREPARE_RENAME)(_prepare_rename)
        self.feature(types.TEXT_DOCUMENT_RENAME)(_rename)
        self.feature(types.TEXT_DOCUMENT_CODE_LENS)(_lenses)
        self.command(_RUN_TESTS)(_run_tests)

    async def put(self, uri: str) -> None:
        """Take the text of a document, and publish the findings in it."""
        file = self.places.file(uri)
        self.rules.put(file, self.workspace.get_text_document(uri).source)
        await self.publisher.changed(file)

    def place(self, document: types.TextDocumentIdentifier, at: types.Position) -> tuple[str, Position]:
        """Return the file and the place that a request is about."""
        file = self.places.file(document.uri)
        return file, self.places.from_editor(file, at)

    def locations(self, spans: Sequence[Span]) -> list[types.Location]:
        """Return the places as the editor names them."""
        return [types.Location(self.places.uri(one.file), self.places.range(one)) for one in spans]

    def _publish(self, file: str, findings: Sequence[RuleFinding]) -> None:
        found = [
            types.Diagnostic(
                range=self.places.range(one.span),
                severity=_SEVERITIES[one.kind],
                code=one.code,
                source="mozu",
                message=one.message,
            )
            for one in findings
        ]
        self.text_document_publish_diagnostics(types.PublishDiagnosticsParams(self.places.uri(file), found))


async def _opened(server: RuleServer, params: types.DidOpenTextDocumentParams) -> None:
    await server.put(params.text_document.uri)


async def _changed(server: RuleServer, params: types.DidChangeTextDocumentParams) -> None:
    await server.put(params.text_document.uri)


async def _closed(server: RuleServer, params: types.DidCloseTextDocumentParams) -> None:
    file = server.places.file(params.text_document.uri)
    server.rules.put(file, None)
    await server.publisher.changed(file)


def _completion(server: RuleServer, params: types.CompletionParams) -> types.CompletionList:
    file, at = server.place(params.text_document, params.position)
    found = server.rules.completions(file, at)
    shown = found[:_MOST]
    ranges = {one.span: server.places.range(one.span) for one in shown}
    items = [_item(one, number, ranges[one.span]) for number, one in enumerate(shown)]
    return types.CompletionList(is_incomplete=len(found) > _MOST, items=items)


def _hover(server: RuleServer, params: types.HoverParams) -> types.Hover | None:
    file, at = server.place(params.text_document, params.position)
    found = server.rules.hover(file, at)
    if found is None:
        return None
    text = types.MarkupContent(types.MarkupKind.Markdown, found.text)
    return types.Hover(text, server.places.range(found.span))


def _definition(server: RuleServer, params: types.DefinitionParams) -> list[types.Location]:
    return server.locations(server.rules.definitions(*server.place(params.text_document, params.position)))


def _references(server: RuleServer, params: types.ReferenceParams) -> list[types.Location]:
    place = server.place(params.text_document, params.position)
    defined = server.rules.definitions(*place) if params.context.include_declaration else ()
    return server.locations([*defined, *server.rules.references(*place)])


def _prepare_rename(server: RuleServer, params: types.PrepareRenameParams) -> types.Range | None:
    span = server.rules.name(*server.place(params.text_document, params.position))
    return None if span is None else server.places.range(span)


async def _rename(server: RuleServer, params: types.RenameParams) -> types.WorkspaceEdit:
    file, at = server.place(params.text_document, params.position)
    try:
        edits = await server.publisher.run(lambda: server.rules.rename(file, at, params.new_name))
    except RenameRefused as refused:
        raise JsonRpcInvalidParams(str(refused)) from refused
    changes: dict[str, list[types.TextEdit]] = {}
    for one in edits:
        changed = types.TextEdit(server.places.range(one.span), one.text)
        changes.setdefault(server.places.uri(one.span.file), []).append(changed)
    return types.WorkspaceEdit(changes=changes)


def _lenses(server: RuleServer, params: types.CodeLensParams) -> list[types.CodeLens]:
    uri = params.text_document.uri
    file = server.places.file(uri)
    counts, found = server.tests.counts(file), []
    for rule, span in server.rules.rules(file):
        count = counts.get(rule, 0)
        title = f"run {count} {'test' if count == 1 else 'tests'}" if count else "no tests"
        command = types.Command(title, _RUN_TESTS, arguments=[uri, rule])
        found.append(types.CodeLens(server.places.range(span), command))
    return found


async def _run_tests(server: RuleServer, uri: str, rule: str) -> list[str]:
    """Run the tests of a rule, show the result, and return its lines."""
    file = server.places.file(uri)
    lines = list(await server.publisher.run(lambda: server.tests.run(file, rule)))
    kind = types.MessageType.Info if len(lines) == 1 else types.MessageType.Warning
    server.window_show_message(types.ShowMessageParams(kind, "\n".join(lines)))
    return lines


def _item(one: Completion, number: int, replaced: types.Range) -> types.CompletionItem:
    return types.CompletionItem(
        label=one.label,
        kind=_KINDS[one.kind],
        detail=one.detail or None,
        documentation=one.doc or None,
        sort_text=f"{number:05}",
        filter_text=one.label,
        text_edit=types.TextEdit(replaced, one.text or one.label),
    )


def _version() -> str:
    try:
        return version("mozu")
    except PackageNotFoundError:
        return "unknown"
