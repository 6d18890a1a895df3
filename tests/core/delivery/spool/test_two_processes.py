"""A spool that another process reads while it is in use: `mozu spool`, `mozu redrive`."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from mozu.core.delivery.spool import Spool
from mozu.core.testing import alert
from tests.support.packing import packed
from tests.support.requirements import ROOT

LOOK = """
import sys
from pathlib import Path
from tests.support.packing import packed
from mozu.core.delivery.spool import Spool
spool = Spool(Path(sys.argv[1]))
print(spool.status().waiting)
spool.close()
"""


def look(path: Path) -> str:
    """Return what another process finds in the spool."""
    found = subprocess.run(
        [sys.executable, "-c", LOOK, str(path)], capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
    )  # fmt: skip
    return found.stdout


def test_another_process_that_opens_and_closes_it_takes_nothing_away(tmp_path: Path) -> None:
    path = tmp_path / "spool.db"
    with closing(Spool(path)) as spool:
        spool.append([packed(alert("before"))])
        assert "1\n" == look(path)
        assert (tmp_path / "spool.db-wal").exists(), "the WAL that this process still writes to"
        spool.append([packed(alert("after"))])
        assert "2\n" == look(path)
        with closing(sqlite3.connect(path)) as other:
            assert [(2,)] == other.execute("SELECT count(*) FROM alerts").fetchall()
