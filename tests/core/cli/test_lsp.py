"""`mozu lsp`, before an editor says anything."""

import subprocess
import sys

from mozu.core.cli import invoke

BARE = """
import sys
sys.modules["pygls"] = sys.modules["lsprotocol"] = None
from mozu.core.cli import invoke
sys.exit(invoke(["lsp"]))
"""


def test_without_the_extra_one_line_says_how_to_install_it() -> None:
    done = subprocess.run([sys.executable, "-c", BARE], capture_output=True, text=True, timeout=100)

    assert (1, "", "mozu: `mozu lsp` needs pygls; install it: pip install 'mozu[lsp]'\n") == (
        done.returncode,
        done.stdout,
        done.stderr,
    )


def test_a_configuration_that_is_wrong_is_refused(capsys: object) -> None:
    assert invoke(["lsp", "-c", "/no/such/mozu.yaml"]) != 0
