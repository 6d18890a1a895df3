"""Rows of Falco's own table of events and fields, which lies beside the corpus."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.requirements import ROOT


def specification(name: str) -> Path:
    """A file of the folder `falco-spec` beside the corpus."""
    corpus = Path(os.environ.get("MOZU_CORPUS", ROOT.parent / "shared" / "corpus"))
    path = corpus.parent / "falco-spec" / name
    if not path.exists():
        pytest.skip(f"{path} is not there: it belongs beside the corpus (MOZU_CORPUS)")
    return path


def rows(name: str) -> Iterator[list[str]]:
    """The rows of a table, cut at tabs, without comments."""
    for line in specification(name).read_text().splitlines():
        if not line.startswith("#"):
            yield line.split("\t")
