"""The language server behind `mozu lsp`, an optional part (`pip install 'mozu[lsp]'`)."""

from mozu.plugins.editors.lsp.server import serve

__all__ = ["serve"]
