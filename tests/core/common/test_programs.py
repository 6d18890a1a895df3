"""Programs are run to their end or killed, without mozu's environment."""

import asyncio
import os
import sys

import pytest

from mozu.core.common.programs import Finished, run_program


def test_a_program_reads_its_input_and_its_output_and_exit_code_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOZU_SECRET", "x")
    code = (
        "import os, sys; print(sys.stdin.read(), 'MOZU_SECRET' in os.environ);print('e', file=sys.stderr); sys.exit(3)"
    )
    done = asyncio.run(run_program([sys.executable, "-c", code], stdin=b"in", seconds=60))
    assert done == Finished(3, "in False\n", "e\n")


def test_one_that_does_not_end_is_killed_with_what_it_has_started() -> None:
    reader, writer = os.pipe()
    code = f"import os, time; os.fork(); os.write({writer}, b'x'); time.sleep(600)"  # both live until they are killed

    async def main() -> None:
        with pytest.raises(TimeoutError):
            await run_program([sys.executable, "-c", code], seconds=2, pass_fds=(writer,))

    asyncio.run(main())
    os.close(writer)
    with os.fdopen(reader, "rb") as rest:  # ends when no process holds the other end any more
        assert set(rest.read()) <= set(b"x")
