"""Layers: what leads out of them, or is too large, is refused."""

import gzip
import io
import tarfile
from pathlib import Path

import pytest

from mozu.core.cli.rules_artifact import archive
from mozu.core.errors import MozuError


def layer(*entries: tarfile.TarInfo) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as file:
        for entry in entries:
            file.addfile(entry, io.BytesIO(bytes(entry.size)))
    return buffer.getvalue()


def entry(name: str, kind: bytes = tarfile.REGTYPE, size: int = 0) -> tarfile.TarInfo:
    found = tarfile.TarInfo(name)
    found.type, found.linkname, found.size = kind, "x" if kind in (tarfile.SYMTYPE, tarfile.LNKTYPE) else "", size
    return found


def test_files_come_back_as_they_were() -> None:
    files = {"a.yaml": b"a", "lists/b.txt": b"b"}
    assert files == archive.unpacked(archive.packed(files))


def test_directories_are_no_files() -> None:
    assert {"a/b": b""} == archive.unpacked(layer(entry("a", tarfile.DIRTYPE), entry("./a/b")))


@pytest.mark.parametrize(
    "bad",
    [
        entry("../a"), entry("a/../../b"), entry("/etc/a"), entry("a", tarfile.SYMTYPE), entry("a", tarfile.LNKTYPE),
        entry("a", tarfile.FIFOTYPE), entry("a", tarfile.CHRTYPE), entry("."),
    ],
    ids=lambda one: f"{one.name} {one.type!r}",
)  # fmt: skip
def test_what_is_no_file_below_the_layer_is_refused(bad: tarfile.TarInfo) -> None:
    with pytest.raises(MozuError, match="which is no file below the layer's directory"):
        archive.unpacked(layer(bad))


def test_a_file_below_a_file_is_refused() -> None:
    with pytest.raises(MozuError, match="has 'a/b' below a file"):
        archive.unpacked(layer(entry("a"), entry("a/b")))


def test_bounds_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "_MOST", 1)
    with pytest.raises(MozuError, match="more than 1 files"):
        archive.unpacked(layer(entry("a"), entry("b")))
    monkeypatch.setattr(archive, "_LARGEST", 1 << 20)
    with pytest.raises(MozuError, match="more than 1 MiB unpacked"):
        archive.unpacked(layer(entry("a", size=1 << 20)))


@pytest.mark.parametrize(
    "content", [b"", b"no archive", gzip.compress(b"no tar file" * 100), layer(entry("a"))[:-9]], ids=range(4)
)
def test_what_is_no_archive_is_refused(content: bytes) -> None:
    with pytest.raises(MozuError, match=r"its layer is no tar\.gz: "):
        archive.unpacked(content)


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "rules.yaml").touch()
    assert ["rules.yaml"] == [*archive.collected([tmp_path / "a"])]
    with pytest.raises(MozuError, match=r"two files would have the name 'rules\.yaml'"):
        archive.collected([tmp_path / "a" / "rules.yaml", tmp_path / "b"])
