"""A third party's source that changes the state of the whole process, as the setting `how` says."""

import asyncio
import ctypes
import json
import os
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence

from mozu import Alert, Context, Counts, Demand, Settings, Severity, SourceDeclaration, Template, hookimpl

print("printed at import")
if os.environ.get("MEDDLING") == "exit":
    os._exit(3)
if os.environ.get("MEDDLING") == "replace":
    json.dumps = lambda *arguments, **keywords: ""


class How(Settings):
    how: tuple[str, ...] = ()


def _ignore_in_c() -> None:
    """Have the kernel drop SIGINT (SIG_IGN is 1), of which Python does not learn."""
    ctypes.CDLL(None).signal(int(signal.SIGINT), ctypes.c_void_p(1))


def _print() -> None:
    print("printed", flush=True)
    os.write(1, b"written\n")
    subprocess.run(["echo", "by a child"], check=True)


def _close() -> None:
    os.close(0)
    os.close(1)


def _cancel_all() -> None:
    for task in asyncio.all_tasks():
        task.cancel()


def _stop() -> None:
    asyncio.get_running_loop().stop()


def _replace() -> None:
    json.dumps = lambda *arguments, **keywords: ""
    os.stat = json.dumps  # type: ignore[assignment]  # a plugin may


def _hold_in_c() -> None:
    """Sleep in C code that keeps the interpreter's lock (PyDLL)."""
    ctypes.PyDLL(None).usleep(900_000)


def _stay() -> None:
    """Never return, and catch what interrupts it."""
    print("stays", flush=True)
    libc = ctypes.CDLL(None)
    while True:
        try:
            libc.sleep(3600)
        except BaseException:  # noqa: BLE001  as above
            continue


def _wait_in_c() -> None:
    """Lock a mutex twice: futex(2) goes on after a signal, and no handler of Python's runs any more."""
    libc, mutex = ctypes.CDLL(None), ctypes.create_string_buffer(64)
    print("waits", flush=True)
    libc.pthread_mutex_lock(mutex)
    libc.pthread_mutex_lock(mutex)


ACTS: dict[str, Callable[[], object]] = {
    "print": _print,
    "ignore": lambda: signal.signal(signal.SIGTERM, signal.SIG_IGN),
    "ignore in C": _ignore_in_c,
    "block": lambda: signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM}),
    "close": _close,
    "cancel": _cancel_all,
    "stop": _stop,
    "replace": _replace,
    "hold in C": _hold_in_c,
    "stay": _stay,
    "wait in C": _wait_in_c,
}


class Meddling:
    def __init__(self, settings: How, context: Context) -> None:
        self._how = settings.how
        self._stopped = asyncio.Event()

    async def start(self, demand: Demand) -> None:
        pass

    async def batches(self) -> AsyncIterator[Sequence[Alert]]:
        yield [_alert("before")]
        for how in self._how:
            await asyncio.sleep(0.05)
            ACTS[how]()
        while not self._stopped.is_set():
            yield [_alert("after")]
            await asyncio.sleep(0.05)

    async def update(self, demand: Demand) -> None:
        pass

    def counts(self) -> Mapping[str, Counts]:
        return {}

    async def stop(self) -> None:
        self._stopped.set()


def _alert(rule: str) -> Alert:
    template = Template((rule,))
    return Alert(
        rule=rule, priority=Severity.NOTICE, source="meddling", time=time.time_ns(), template=template, values={}
    )


@hookimpl
def mozu_components() -> SourceDeclaration[How]:
    return SourceDeclaration(name="meddling", build=Meddling, settings=How, summary="Meddles.")
