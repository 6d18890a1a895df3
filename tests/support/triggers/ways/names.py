"""Ways to read secrets by tools under other names: by links to the files of packages, and by copies."""

from typing import Final

from tests.support.triggers.ways.way import HEAD, Way

_SECRET: Final = frozenset({"Secret of a user or service read by an unexpected program"})
_HEAD: Final = (
    HEAD
    + """
import tempfile
folder = tempfile.mkdtemp()
os.mkdir(f"{folder}/.aws")
secret, agent = f"{folder}/.aws/credentials", f"{folder}/agent"
open(secret, "w").close()
"""
)


def _read(by: str, act: str) -> Way:
    return Way("read of a login to a cloud", by, _SECRET, f"{_HEAD}{act}\nshutil.rmtree(folder)")


NAMES: Final = (
    _read("cat", "subprocess.run(['/usr/bin/cat', secret])"),
    _read("a symbolic link to cat", "os.symlink('/usr/bin/cat', agent)\nsubprocess.run([agent, secret])"),
    _read("a copy of cat", "shutil.copy('/usr/bin/cat', agent)\nsubprocess.run([agent, secret])"),
    _read(
        "a symbolic link to the shell",
        "os.symlink('/usr/bin/dash', agent)\nsubprocess.run([agent, '-c', f'read x < {secret}'])",
    ),
)
