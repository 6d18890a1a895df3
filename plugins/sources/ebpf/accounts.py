"""Counts of events that the kernel has passed, filtered, lost and refused.

The map ACCOUNTS in memory (struct account of bpf/accounts.h): accounts with refused events, reported as floods. A flood
begins when records of an account are first refused, and ends when none was refused for QUIET_SECONDS.
"""

import mmap
from collections.abc import Callable, Iterator, Mapping
from typing import Final, Literal, NamedTuple

import msgspec

from mozu.core.abi.syscall_specs import SYSCALL_SPECS
from mozu.core.api import Counts, Flood
from mozu.plugins.sources.ebpf import wire
from mozu.plugins.sources.ebpf.decode import RecordDecoder
from mozu.plugins.sources.ebpf.loader import Loader

QUIET_SECONDS: Final = 5.0
MOST: Final = 16
"""Most floods that are reported at one time; those of further accounts are only in the source's counts."""
_KINDS: Final[Mapping[int, Literal["process", "user", "container"]]] = {
    1: "process",
    2: "user",
    3: "user",
    4: "container",
}
"""Kind of account by number: enum account_kind."""
_KIND_AT: Final = 60
"""First bit of the kind in a key."""
_NAMES: Final = {spec.number: name for name, spec in SYSCALL_SPECS.items()}
_ENTRY: Final = wire.size("account")
_WORD: Final = 0xFFFFFFFF


class _Counts(NamedTuple):
    """Counts of an account, 32 bits each, which wrap around."""

    key: int
    passed: int = 0
    common: int = 0
    reserved: int = 0


class _Open(msgspec.Struct):
    """A flood that has not ended."""

    begun: float
    newest: float
    """Time of the last refusal."""
    passed: int
    flood: Flood


class Accounts:
    """Reader of the map. `fd`: descriptor of the map; `clock`: seconds."""

    def __init__(self, fd: int, clock: Callable[[], float]) -> None:
        places = wire.map_constant("ACCOUNT_PLACES")
        self._memory = mmap.mmap(fd, places * _ENTRY, mmap.MAP_SHARED, mmap.PROT_READ)
        self._whole = memoryview(self._memory)
        self._words, self._longs = self._whole.cast("I"), self._whole.cast("Q")
        self._clock, self._looked = clock, clock()
        self._open: dict[int, _Open] = {}
        """Present flood by the key of its account."""
        self._before: dict[int, _Counts] = {}
        """Counts at the last read of places with refused events, by place."""

    def take_floods(self) -> list[Flood]:
        """Return the floods that have begun or ended since the last call."""
        now, floods = self._clock(), list[Flood]()
        for place, counts in self._refused():
            before = self._before.get(place)
            self._before[place] = counts
            if before is None or before.key != counts.key:
                before = _Counts(counts.key)
            fresh = [(new - old) & _WORD for new, old in zip(counts[1:], before[1:], strict=True)]
            if fresh[1] or fresh[2]:
                floods += self._flood(counts.key, place, fresh, now)
        for key in [key for key, one in self._open.items() if now - one.newest >= QUIET_SECONDS]:
            floods.append(_ended(self._open.pop(key)))
        self._looked = now
        return floods

    def close(self) -> list[Flood]:
        """Unmap the memory; return the unreported floods, and the end of each present one."""
        floods = [*self.take_floods(), *map(_ended, self._open.values())]
        self._open.clear()
        for view in (self._words, self._longs, self._whole):
            view.release()
        self._memory.close()
        return floods

    def _refused(self) -> Iterator[tuple[int, _Counts]]:
        """Yield (place, counts) of the accounts that ever had refused events."""
        step, at = _ENTRY // 4, wire.place("account", "refused").offset // 4
        common, reserved = (self._words[at + part :: step].tolist() for part in (0, 1))
        for place, refused in enumerate(zip(common, reserved, strict=True)):
            if any(refused):
                yield place, _Counts(self._long(place, "key"), self._word(place, "passed"), *refused)

    def _word(self, place: int, member: str) -> int:
        return self._words[(place * _ENTRY + wire.place("account", member).offset) // 4]

    def _long(self, place: int, member: str) -> int:
        return self._longs[(place * _ENTRY + wire.place("account", member).offset) // 8]

    def _flood(self, key: int, place: int, fresh: list[int], now: float) -> list[Flood]:
        """Update the account's flood, or begin one; return it if it has begun."""
        passed, common, reserved = fresh
        one = self._open.get(key)
        if one is not None:
            one.newest = now
            one.passed += passed
            refused, kept = one.flood.refused + common + reserved, one.flood.reserved + reserved
            seconds = max(now - one.begun, 1e-3)
            rate = (one.passed + refused) / seconds
            one.flood = self._made(key, place, refused, kept, rate, seconds)
            return []
        if len(self._open) >= MOST:
            return []
        seconds = max(now - self._looked, 1e-3)
        refused = common + reserved
        flood = self._made(key, place, refused, reserved, (passed + refused) / seconds, seconds)
        self._open[key] = _Open(self._looked, now, passed, flood)
        return [flood]

    def _made(self, key: int, place: int, refused: int, reserved: int, rate: float, seconds: float) -> Flood:
        """Return a flood with the known facts about the last refused event."""
        kind = self._word(place, "type")
        return Flood(
            account=_KINDS.get(key >> _KIND_AT, "process"),
            pid=self._word(place, "pid"),
            uid=self._word(place, "uid"),
            cgroup=self._long(place, "cgroup"),
            type=_NAMES.get(kind, str(kind)),
            refused=refused,
            reserved=reserved,
            rate=rate,
            seconds=seconds,
        )


def _ended(one: _Open) -> Flood:
    return msgspec.structs.replace(one.flood, ended=True)


def event_counts(loader: Loader, decoder: RecordDecoder) -> Mapping[str, Counts]:
    """Return the counts since the start. seen = filtered + lost + missed + received once the ring is empty.

    An entry path is counted by its name if the kernel skipped its programs: the skipped calls are unknown.
    """
    found: dict[str, Counts] = {}
    for name, spec in SYSCALL_SPECS.items():
        if name in loader.watched:
            seen, filtered, lost, over_share, missed = loader.count(name)
            lost += decoder.discarded[spec.number]
            found[name] = Counts(seen, filtered, lost, missed, decoder.received[spec.number], over_share)
    for path, skipped in loader.missed_by_entry_path().items():
        if skipped:
            found[path] = Counts(seen=skipped, missed=skipped)
    return found
