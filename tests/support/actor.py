"""A process that runs a test's acts, each in its own child, so that a monitor can watch them.

The monitor leaves its own process out, so acts cannot be the test's own calls; and a child of a test that has threads
must not do much. Requests and answers are pickles with their length in front, over stdin and stdout.
"""

import os
import pickle
import select
import struct
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

_LENGTH: Final = struct.Struct("<I")
PATIENCE: Final = 60.0
"""Seconds after which an act counts as hung."""
ROOT: Final = Path(__file__).resolve().parents[2]


class Actor:
    """The test's side of the process."""

    def __init__(self) -> None:
        environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'src'}"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.actor"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    @property
    def pid(self) -> int:
        """Return the pid of the process whose children act."""
        return self._process.pid

    def act(self, function: Callable[..., Any], *arguments: Any) -> tuple[int, Any]:
        """Run a module's function in a child; return the child's pid and the function's result. Raises what the
        function raised."""
        return self.begin(function, *arguments)()

    def begin(self, function: Callable[..., Any], *arguments: Any) -> Callable[[], tuple[int, Any]]:
        """Start an act; return a function that waits for its end and returns what `act` returns."""
        assert self._process.stdin is not None
        _write(self._process.stdin, (function, arguments))

        def finish() -> tuple[int, Any]:
            assert self._process.stdout is not None
            answered, _, _ = select.select([self._process.stdout], [], [], PATIENCE)
            assert answered, f"the act {function.__name__} has not ended within {PATIENCE} s"
            pid, failure, value = _read(self._process.stdout)
            if failure:
                raise AssertionError(f"the act {function.__name__} failed:\n{failure}")
            return pid, value

        return finish

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)
        self._process.stdout.close()


def _write(stream: Any, value: Any) -> None:
    body = pickle.dumps(value)
    stream.write(_LENGTH.pack(len(body)) + body)
    stream.flush()


def _read(stream: Any) -> Any:
    head = stream.read(_LENGTH.size)
    if not head:
        raise EOFError
    return pickle.loads(stream.read(_LENGTH.unpack(head)[0]))


def _child(function: Callable[..., Any], arguments: tuple[Any, ...], out: int) -> None:
    """Run in the child: call the function, send the answer, and exit without the parent's clean-up."""
    try:
        answer = ("", function(*arguments))
    except BaseException:  # noqa: BLE001  the test's side raises it
        answer = (traceback.format_exc(), None)
    body = pickle.dumps(answer)
    os.write(out, body)
    os._exit(0)


def _perform(function: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[int, str, Any]:
    inward, outward = os.pipe()
    pid = os.fork()
    if pid == 0:
        _child(function, arguments, outward)
    os.close(outward)
    parts = []
    while part := os.read(inward, 65536):
        parts.append(part)
    os.close(inward)
    os.waitpid(pid, 0)
    body = b"".join(parts)
    failure, value = pickle.loads(body) if body else ("", None)
    return pid, failure, value


def main() -> None:
    """Serve requests until stdin ends."""
    while True:
        try:
            function, arguments = _read(sys.stdin.buffer)
        except EOFError:
            return
        _write(sys.stdout.buffer, _perform(function, arguments))


if __name__ == "__main__":
    main()
