"""`mozu ebpf show`: the kernel programs as they are loaded here."""

import orjson
import pytest

from mozu.core.cli import invoke
from mozu.plugins.sources.ebpf.objects import codegen
from mozu.plugins.sources.ebpf.objects.object_file import VARIANTS, path
from tests.support import requirements

pytestmark = pytest.mark.ebpf


def test_each_program_is_listed_with_its_object_and_what_the_verifier_processed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    requirements.ebpf()
    assert invoke(["ebpf", "show", "--json"]) == 0
    shown = orjson.loads(capsys.readouterr().out)

    variant = next(one for one in VARIANTS if one.name == shown["variant"])
    assert shown["object"] == str(path(variant))
    assert shown["compiler"].startswith("libbcc")
    assert {row["program"] for row in shown["programs"]} >= {
        program.entry for program in codegen.every_program(requests=False)
    }
    assert all(row["instructions"] > 1 and row["verified"] > 1 for row in shown["programs"])


def test_a_line_for_people_has_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    requirements.ebpf()
    assert invoke(["ebpf", "show"]) == 0
    first, *others = capsys.readouterr().out.splitlines()

    assert ": variant " in first
    assert any(line.strip().startswith("mozu_process_executed: ") for line in others)
