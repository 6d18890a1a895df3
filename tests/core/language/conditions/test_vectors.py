import json
from pathlib import Path

import pytest

from tests import vectors
from tests.support.requirements import DATA

FILE = DATA / "reference" / "parser-vectors.tsv"


def test_every_vector_of_the_reference_parser_agrees() -> None:
    found = [(number, condition, *vectors.outcome(condition)) for number, condition, _, _ in vectors.vectors(FILE)]

    assert list(vectors.vectors(FILE)) == found


def test_the_runner_counts_and_succeeds(capsys: pytest.CaptureFixture[str]) -> None:
    status = vectors.main(str(FILE))

    assert (0, "171 vectors, 0 differences\n") == (status, capsys.readouterr().out)


def test_the_runner_prints_each_difference_and_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = tmp_path / "wrong.tsv"
    rows = [("a and b", "ok", json.dumps("(a or b)")), ("a b", "error", "2")]
    wrong.write_text("\n".join("\t".join((json.dumps(text), verdict, detail)) for text, verdict, detail in rows))

    status = vectors.main(str(wrong))

    out = capsys.readouterr().out.splitlines()
    assert 1 == status
    assert "2 vectors, 1 differences" == out[-1]
    assert f"{wrong}:1: 'a and b': expected ok '(a or b)', found ok '(a and b)'" == out[0]


def test_a_file_without_vectors_is_no_success(tmp_path: Path) -> None:
    empty = tmp_path / "empty.tsv"
    empty.write_text("# nothing\n")

    assert 1 == vectors.main(str(empty))
