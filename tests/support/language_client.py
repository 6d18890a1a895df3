"""A client of the language server, as an editor is one: a process on its standard streams."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from lsprotocol import types
from pygls.lsp.client import LanguageClient

_SECONDS = 60.0
"""Deadline for findings."""


class EditorClient(LanguageClient):
    """A client that keeps the findings of each file, and the messages that it would show."""

    def __init__(self) -> None:
        super().__init__("editor", "1")
        self.findings: dict[str, Sequence[types.Diagnostic]] = {}
        self.messages: list[str] = []
        self._news = asyncio.Event()
        self.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)(lambda params: self._found(params))
        self.feature(types.WINDOW_SHOW_MESSAGE)(lambda params: self.messages.append(params.message))
        self._versions: dict[str, int] = {}

    def open(self, file: Path, text: str) -> str:
        """Open a document with a text, and return its URI."""
        uri = file.as_uri()
        self._versions[uri] = 1
        item = types.TextDocumentItem(uri=uri, language_id="yaml", version=1, text=text)
        self.text_document_did_open(types.DidOpenTextDocumentParams(item))
        return uri

    def change(self, uri: str, text: str) -> None:
        """Replace the text of a document."""
        self._versions[uri] += 1
        document = types.VersionedTextDocumentIdentifier(uri=uri, version=self._versions[uri])
        change = types.TextDocumentContentChangeWholeDocument(text=text)
        self.text_document_did_change(types.DidChangeTextDocumentParams(document, [change]))

    async def until(self, uri: str, holds: Callable[[Sequence[types.Diagnostic]], bool]) -> Sequence[types.Diagnostic]:
        """Return the findings of a file once something holds of them. Raises TimeoutError."""
        async with asyncio.timeout(_SECONDS):
            while uri not in self.findings or not holds(self.findings[uri]):
                self._news.clear()
                await self._news.wait()
        return self.findings[uri]

    def _found(self, params: types.PublishDiagnosticsParams) -> None:
        self.findings[params.uri] = params.diagnostics
        self._news.set()


@asynccontextmanager
async def editor(*arguments: str, encodings: Sequence[types.PositionEncodingKind] = ()) -> AsyncIterator[EditorClient]:
    """Start `mozu lsp`, and end it as an editor does."""
    client = EditorClient()
    await client.start_io(sys.executable, "-m", "mozu", "lsp", *arguments)
    general = types.GeneralClientCapabilities(position_encodings=list(encodings)) if encodings else None
    await client.initialize_async(types.InitializeParams(types.ClientCapabilities(general=general)))
    client.initialized(types.InitializedParams())
    try:
        yield client
    finally:
        await client.shutdown_async(None)
        client.exit(None)
        await client.stop()  # type: ignore[no-untyped-call]
