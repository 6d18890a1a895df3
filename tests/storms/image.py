"""The image of a storm: one static program, and the file that it opens by its first instructions."""

import io
import tarfile
from typing import Final

from tests.support.build import compiled

REPOSITORY: Final = "registry.example:5000/team/first"
TAG: Final = "1.0"
IMAGE: Final = f"{REPOSITORY}:{TAG}"
PROGRAM: Final = "/first"
"""The program's path in the image; its source is tests/support/first.c."""


def layer() -> bytes:
    """Return a tar archive of the image's files."""
    program = compiled("first", "-static", "-nostdlib", "-ffreestanding", "-fno-stack-protector").read_bytes()
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as tar:
        for folder in ("etc", "proc", "sys", "dev"):
            _add(tar, folder, kind=tarfile.DIRTYPE, mode=0o755)
        _add(tar, PROGRAM.lstrip("/"), program, mode=0o755)
        _add(tar, "etc/shadow", b"root:*:1:::::\n", mode=0o600)
        _add(tar, "etc/passwd", b"root:x:0:0:root:/:/first\n", mode=0o644)
    return target.getvalue()


def _add(tar: tarfile.TarFile, name: str, content: bytes = b"", *, kind: bytes = tarfile.REGTYPE, mode: int) -> None:
    info = tarfile.TarInfo(name)
    info.type, info.mode, info.size = kind, mode, len(content)
    tar.addfile(info, io.BytesIO(content))
