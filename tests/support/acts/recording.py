"""Records acts under `mozu trace` in private namespaces, so that a recording holds nothing of the machine.

    python -m tests.support.acts.recording kinds|sequences FILE.jsonl.gz

The recordings of tests/data/acts were made with it, as root.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from tests.core.delivery.encode.acts import RULES as OF_KINDS
from tests.docs.sequences import RULES as OF_SEQUENCES
from tests.docs.sequences import SEQUENCES
from tests.support.requirements import ROOT

_ACTS: Final = Path(__file__).parent
_MACHINE_ID: Final = "4f2b7c1e9a3d4e5f8b6a7c8d9e0f1a2b"
_INTERPRETER: Final = "/usr/bin/python3"
"""The interpreter that runs the acts; it needs no packages."""
_PREPARE: Final = """
mount --bind "$1/machine-id" /etc/machine-id
mount --bind "$2" /mnt
hostname node-a
ip link set lo up
ip addr add 203.0.113.9/32 dev lo
shift 2
exec "$@"
"""


def record(name: str, recording: Path) -> None:
    """Run the acts of this name and record them. Raises CalledProcessError if mozu or an act fails."""
    folder = Path(tempfile.mkdtemp(prefix="mozu-acts-", dir="/tmp"))
    try:
        _record(name, folder, recording)
    finally:
        shutil.rmtree(folder)


def _record(name: str, folder: Path, recording: Path) -> None:
    (folder / "machine-id").write_text(f"{_MACHINE_ID}\n")
    (folder / "acts").mkdir()
    rules = OF_KINDS if name == "kinds" else OF_SEQUENCES
    (folder / "rules.json").write_text(json.dumps(rules))
    packages = Path(msgspec.__file__).parents[1]
    found = f"/mnt/src:{packages}"
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "PYTHONPATH": found, "LANG": "C.UTF-8"}
    inside = ["unshare", "--mount", "--pid", "--fork", "--mount-proc", "--net", "--uts", "--cgroup"]
    prepared = ["sh", "-euc", _PREPARE, "sh", str(folder), str(ROOT)]
    trace = [os.path.realpath(sys.executable), "-m", "mozu", "trace", "-r", str(folder / "rules.json")]
    trace += ["--record", str(folder / "acts.jsonl.gz"), "--report", f"json:{folder / 'report.json'}", "--"]
    command = [*inside, *prepared, *trace, "env", "-i", *_acts(name, folder)]
    subprocess.run(command, env=environment, cwd=folder, check=True, timeout=200)
    shutil.copy(folder / "acts.jsonl.gz", recording)


def _acts(name: str, folder: Path) -> Sequence[str]:
    if name == "kinds":
        shutil.copy(_ACTS / "kinds.py", folder)
        return _INTERPRETER, "-SE", str(folder / "kinds.py"), str(folder / "acts")
    shutil.copy(_ACTS / "sequences.sh", folder)
    acts = [act for one in SEQUENCES for act in (one.act, *one.near)]
    return f"PYTHON={_INTERPRETER}", "bash", str(folder / "sequences.sh"), str(folder / "acts"), *acts


if __name__ == "__main__":
    record(sys.argv[1], Path(sys.argv[2]))
