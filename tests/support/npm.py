"""Packages of npm that validate mozu's output."""

import os
import shutil
import subprocess
from pathlib import Path

from tests.support.requirements import require


def package(name: str, version: str) -> Path:
    """Return the package's directory. Skip, or fail in CI, if npm cannot install it. Installed packages are kept for
    later runs."""
    require(shutil.which("npm") is not None, "npm is not installed")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mozu-tests"
    home = cache / f"{name.rpartition('/')[2]}-{version}"
    place = home / "node_modules" / name
    if not (place / "package.json").exists():
        home.mkdir(parents=True, exist_ok=True)
        quiet = ("--silent", "--no-save", "--ignore-scripts", "--legacy-peer-deps")
        command = ["npm", "install", *quiet, "--prefix", str(home)]
        done = subprocess.run(
            [*command, f"{name}@{version}"], capture_output=True, text=True, timeout=100, check=False
        )
        require(done.returncode == 0, f"npm cannot install {name}: {done.stderr.strip()}")
    return place
