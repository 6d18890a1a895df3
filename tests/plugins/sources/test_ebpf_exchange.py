"""An exchange of programs that fails, or is broken off, leaves a source that sees the same events as before."""

import asyncio
import threading
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from mozu.core.api import SourceUnavailable
from mozu.core.filter.comparison import compare
from mozu.core.filter.demand import Demand, Interest
from mozu.plugins.sources.ebpf import source as source_module
from mozu.plugins.sources.ebpf.kernel_filter import Chosen, choose
from mozu.plugins.sources.ebpf.loader import Loader
from mozu.plugins.sources.ebpf.source import EbpfSource
from tests.support import requirements
from tests.support.acts import opens
from tests.support.live import Live, context

pytestmark = pytest.mark.ebpf
OLD, NEW = "/etc/hostname", "/etc/hosts"


def opens_of(path: str, *others: str) -> Demand:
    """Return a demand for opens of a path, and for every event of other types."""
    interest = Interest(predicate=compare("fd.name", "=", (path,)))
    types = {**dict.fromkeys(("open", "openat", "openat2"), interest), **dict.fromkeys(others, Interest())}
    return Demand({"syscall": types})


@pytest.fixture
def live() -> Any:
    requirements.ebpf()
    with Live(EbpfSource(1 << 20, context()), opens_of(OLD)) as started:
        yield started


def sees(live: Live, path: str) -> bool:
    """Return True if an open of the path is seen by a source whose filters may discard it."""
    return any(path in event.args for event in live.act(opens.opened, "openat", -100, path, 0).of("openat"))


@pytest.mark.parametrize("failing", ["attach", "set_entry_paths", "set_filters", "detach"])
def test_whatever_fails_in_an_exchange_the_events_before_it_are_still_seen(
    live: Live, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    real: Callable[..., Any] = getattr(Loader, failing)

    def fails(loader: Loader, *arguments: Any) -> Any:
        if arguments == ({},):  # an empty demand follows the failure
            return real(loader, *arguments)
        raise OSError(12, "no memory")

    assert sees(live, OLD)
    with monkeypatch.context() as patch:
        patch.setattr(Loader, failing, fails)
        with pytest.raises(OSError, match="no memory"):
            live.update(opens_of(NEW, "mkdir"))
    assert sees(live, OLD)
    live.update(opens_of(OLD))
    assert sees(live, OLD)
    assert not sees(live, NEW)


def test_an_exchange_that_is_broken_off_in_the_middle_goes_back(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cancel, as a deadline would, a call that is in the kernel: its thread goes on, the next call waits."""
    reached, may_go_on, real = threading.Event(), threading.Event(), Loader.set_filters

    def slow(loader: Loader, functions: Mapping[str, Any]) -> Mapping[str, str]:
        if functions:
            reached.set()
            assert may_go_on.wait(60)
        return real(loader, functions)

    async def broken_off() -> None:
        updating = asyncio.ensure_future(live.source.update(opens_of(NEW)))
        while not reached.is_set():
            await asyncio.sleep(0.01)
        updating.cancel()
        with pytest.raises(asyncio.CancelledError):
            await updating
        may_go_on.set()

    with monkeypatch.context() as patch:
        patch.setattr(Loader, "set_filters", slow)
        live.run(broken_off())
    assert sees(live, OLD)
    live.update(opens_of(OLD))
    assert sees(live, OLD)
    assert not sees(live, NEW)


def test_a_source_that_ends_amid_an_exchange_says_so(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    """Check that the code of programs stays while they are loaded (a KeyError otherwise)."""
    reached, may_go_on, real = threading.Event(), threading.Event(), Loader.attach

    def slow(loader: Loader, names: Any) -> frozenset[str]:
        reached.set()
        assert may_go_on.wait(60)
        return real(loader, names)

    async def ended() -> None:
        updating = asyncio.ensure_future(live.source.update(opens_of(OLD, "mkdir")))
        while not reached.is_set():
            await asyncio.sleep(0.01)
        await live.source.stop()
        asyncio.get_running_loop().call_later(0.5, may_go_on.set)  # the source has read the rest by then
        with pytest.raises(SourceUnavailable, match="was stopped before its programs were exchanged"):
            await updating

    with monkeypatch.context() as patch:
        patch.setattr(Loader, "attach", slow)
        live.run(ended())
    live.ended()


def test_filters_are_chosen_beside_the_event_loop(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    may_end = threading.Event()

    def slow(*arguments: Any) -> Chosen:
        assert may_end.wait(60)
        return choose(*arguments)

    async def updated() -> None:
        updating = asyncio.ensure_future(live.source.update(opens_of(NEW)))
        await asyncio.sleep(0.1)
        assert not updating.done()
        may_end.set()
        await updating

    with monkeypatch.context() as patch:
        patch.setattr(source_module, "choose", slow)
        live.run(updated())
    assert sees(live, NEW)
    assert not sees(live, OLD)
