"""`.ci/run` runs the tests and then boots a machine; it passes the corpus on only if the corpus lies beside the
checkout."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.requirements import ROOT


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Return a checkout with `.ci/run`; beside it lies a `make` that prints its arguments and environment."""
    (tmp_path / "checkout" / ".ci").mkdir(parents=True)
    shutil.copy(ROOT / ".ci" / "run", tmp_path / "checkout" / ".ci")
    (tmp_path / "bin").mkdir()
    make = tmp_path / "bin" / "make"
    make.write_text('#!/bin/sh\necho "$PWD $* CI=$CI MOZU_CORPUS=${MOZU_CORPUS-unset}"\n')
    make.chmod(0o755)
    return tmp_path / "checkout"


def said(tree: Path, **environment: str) -> list[str]:
    path = f"{tree.parent / 'bin'}:/usr/bin:/bin"
    done = subprocess.run(
        [tree / ".ci" / "run"], env={"PATH": path, **environment}, capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()


def both(tree: Path, corpus: object) -> list[str]:
    return [f"{tree} {target} CI=true MOZU_CORPUS={corpus}" for target in ("test", "machine")]


def test_without_a_corpus_none_is_named(tree: Path) -> None:
    assert said(tree) == both(tree, "unset")


def test_the_corpus_beside_the_checkout_is_named(tree: Path) -> None:
    corpus = tree.parent / "shared" / "corpus"
    corpus.mkdir(parents=True)

    assert said(tree) == both(tree, corpus)


def test_a_corpus_that_the_caller_names_comes_first(tree: Path) -> None:
    (tree.parent / "shared" / "corpus").mkdir(parents=True)

    assert said(tree, MOZU_CORPUS="/elsewhere") == both(tree, "/elsewhere")


def test_no_machine_is_booted_where_a_test_failed(tree: Path) -> None:
    make = tree.parent / "bin" / "make"
    make.write_text('#!/bin/sh\necho "$*"\nexit 2\n')
    done = subprocess.run(
        [tree / ".ci" / "run"], env={"PATH": f"{make.parent}:/usr/bin:/bin"}, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (2, "test\n")
