from pathlib import Path

import pytest

from mozu.core.language.rules import Code, LoadResult, load
from mozu.core.language.rules.files import LARGEST, expand
from tests.core.language.rules.small import registry


def _load(path: Path, raw: bytes) -> LoadResult:
    file = path / "rules.yaml"
    file.write_bytes(raw)
    return load([file], registry())


def test_a_directory_stands_for_its_yaml_files_by_name(tmp_path: Path) -> None:
    for name in ("b.yaml", "a.yml", "c.txt", "d.yaml~"):
        (tmp_path / name).write_text("[]")
    (tmp_path / "e.yaml").mkdir()

    assert [tmp_path / "a.yml", tmp_path / "b.yaml"] == list(expand([tmp_path]))


def test_files_keep_the_order_in_which_they_are_named() -> None:
    assert [Path("z.yaml"), Path("a.yaml")] == list(expand(["z.yaml", "a.yaml"]))


def test_bytes_that_are_no_text_are_reported_with_their_place(tmp_path: Path) -> None:
    (problem,) = _load(tmp_path, b"- list: a\n  items: [x\xff]\n").report.problems()

    assert (Code.LOAD_ERR_YAML_PARSE, (2, 12)) == (problem.code, problem.place)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_tells_the_encoding(tmp_path: Path, encoding: str) -> None:
    result = _load(tmp_path, "- {list: ä, items: [x]}".encode(encoding))

    assert ["ä"] == [entry.name for entry in result.rules.lists]


def test_a_file_beyond_all_measure_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "big.yaml"
    with file.open("wb") as out:
        out.truncate(LARGEST + 1)

    (problem,) = load([file], registry()).report.problems()

    assert Code.LOAD_ERR_FILE_READ is problem.code


def test_a_directory_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    assert not load([tmp_path / "rules.d"], registry()).ok


def test_the_standard_places_of_a_machines_own_rules_may_be_absent() -> None:
    own = [path for path in ("/etc/mozu/rules.local.yaml", "/etc/mozu/rules.d") if not Path(path).exists()]

    assert [] == list(expand(own))
