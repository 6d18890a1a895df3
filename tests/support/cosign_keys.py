"""Pairs of keys as cosign has them: on the curve P-256, in PEM."""

import subprocess
from pathlib import Path

from tests.support.requirements import program


def pair(folder: Path, name: str = "key") -> Path:
    """Write a private key and return it, with the public one beside it as `NAME.pub`."""
    file = folder / name
    command = [program("openssl"), "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", str(file)]
    subprocess.run(command, check=True)
    subprocess.run(["openssl", "ec", "-in", file, "-pubout", "-out", f"{file}.pub"], check=True, capture_output=True)
    return file
