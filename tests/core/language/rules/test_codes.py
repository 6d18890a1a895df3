"""Every code is produced by some input, and docs/rules/errors.md explains every one."""

from pathlib import Path

import pytest

from mozu.core.language.rules import Code, load
from tests.core.language.rules.pairing import pairs
from tests.core.language.rules.small import registry

NEVER = {Code.LOAD_ERR_EXTENSION, Code.LOAD_WARNING_EXTENSION}
"""Codes of extensions to the language, which mozu does not have."""

ROOT = Path(__file__).parents[4]


def test_every_code_but_those_of_extensions_stands_in_the_pairs() -> None:
    text = "\n".join(pair.values[1] for pair in pairs("problems.txt"))
    elsewhere = {Code.LOAD_ERR_FILE_READ}
    elsewhere |= {code for code in Code if code.value.startswith("LINT_")}  # those stand in checks/mistakes

    assert set(Code) - NEVER - elsewhere == {code for code in Code if f" {code.value} " in text}


def test_a_file_that_is_not_there_is_reported(tmp_path: Path) -> None:
    (problem,) = load([tmp_path / "no.yaml"], registry()).report.problems()

    assert (Code.LOAD_ERR_FILE_READ, f"cannot read {tmp_path}/no.yaml: no such file or directory") == (
        problem.code,
        problem.message,
    )


@pytest.mark.parametrize("code", Code)
def test_the_documentation_has_every_code_with_its_title_and_paragraph(code: Code) -> None:
    document = " ".join((ROOT / "docs" / "rules" / "errors.md").read_text().split())

    assert f"## {code.value} {code.title} " in document
    assert code.paragraph in document


def test_the_documentation_has_no_other_code() -> None:
    lines = (ROOT / "docs" / "rules" / "errors.md").read_text().splitlines()

    found = [line.removeprefix("## ") for line in lines if line.startswith(("## LOAD_", "## LINT_"))]

    assert [code.value for code in Code] == found
