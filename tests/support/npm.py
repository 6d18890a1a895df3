"""Packages of npm that judge what mozu writes."""

import os
import shutil
import subprocess
from pathlib import Path

from tests.support.requirements import require


def package(name: str, version: str) -> Path:
    """Its directory. Skips where npm cannot bring it; fails in CI. What has been brought is kept for the next run."""
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
