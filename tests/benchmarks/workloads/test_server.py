import os
import socket
import sys
from pathlib import Path

import pytest

from benchmarks.workloads.server import ask, serving
from tests.support.ports import free_port

_SERVER = (
    "import os, pathlib, socket, sys\n"
    "pathlib.Path('pid').write_text(str(os.getpid()))\n"
    "server = socket.create_server(('127.0.0.1', int(sys.argv[1])))\n"
    "while True: server.accept()[0].close()\n"
)


def _command(port: int) -> list[str]:
    return [sys.executable, "-c", _SERVER, str(port)]


def _is_gone(folder: Path, port: int) -> bool:
    with pytest.raises(ProcessLookupError):
        os.kill(int((folder / "pid").read_text()), 0)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), 1)
    return True


def test_the_server_listens_in_its_folder_while_the_block_runs(tmp_path: Path) -> None:
    port = free_port()
    with serving(_command(port), port, tmp_path), socket.create_connection(("127.0.0.1", port), 30):
        assert (tmp_path / "pid").exists()
    assert _is_gone(tmp_path, port)


@pytest.mark.parametrize("failure", [RuntimeError(), KeyboardInterrupt(), SystemExit(143)])
def test_the_server_is_gone_after_a_block_that_fails_or_is_interrupted(tmp_path: Path, failure: BaseException) -> None:
    port = free_port()
    with pytest.raises(type(failure)), serving(_command(port), port, tmp_path):
        raise failure
    assert _is_gone(tmp_path, port)


def test_a_server_that_does_not_begin_is_an_error_with_its_own_words(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import sys; sys.exit('no such configuration')"]
    with pytest.raises(SystemExit, match="no such configuration"), serving(command, free_port(), tmp_path):
        pytest.fail("nothing listens")


def test_a_client_that_fails_is_an_error_with_its_own_words() -> None:
    with pytest.raises(SystemExit, match="ended with 3: out err"):
        ask([sys.executable, "-c", "import sys; print('out', end=' '); print('err', file=sys.stderr); sys.exit(3)"])


def test_a_client_says_what_it_printed() -> None:
    assert ask([sys.executable, "-c", "print('out')"]) == "out\n"
