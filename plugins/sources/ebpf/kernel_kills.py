"""Kills and denials in the kernel by one source: its rules become programs, and maps that arm them."""

from collections.abc import Callable, Collection, Mapping
from pathlib import Path

import msgspec

from mozu.core.abi.spec import SyscallSpec
from mozu.core.abi.syscall_specs import SYSCALL_SPECS
from mozu.core.api import Context, KernelAction, KernelDenial, KernelKill, KernelKills, UnattendedActs
from mozu.core.filter.formula import Formula
from mozu.plugins.sources.ebpf.kernel_filter.deny import deny_functions
from mozu.plugins.sources.ebpf.kernel_filter.kill import kill_functions
from mozu.plugins.sources.ebpf.kill_programs import KillArms, TooManySpared
from mozu.plugins.sources.ebpf.loader import Loader
from mozu.plugins.sources.ebpf.loader_thread import LoaderThread
from mozu.plugins.sources.ebpf.pins import Pins
from mozu.plugins.sources.ebpf.refusals import warn_of

_Placed = tuple[tuple[KernelAction, tuple[tuple[str, Formula], ...]], ...]
"""Rules as (action, conditions by event type), from which programs were made."""


_CHANGED = (
    "another process has changed the map {} of mozu, which is as before again; calls of the second before may not have "
    "been seen, killed for or denied in the kernel"
)


class InKernel:
    """Kills and denials of one source, across all of its starts."""

    def __init__(self, context: Context) -> None:
        self._log = context.log
        self._kills = KernelKills()
        self._placed: _Placed = ()
        self._arms: KillArms | None = None
        self._loader: Loader | None = None
        self._denials: list[KernelDenial] = []
        """Denials read before other rules were armed, whose numbers they refer to."""
        self._unattended: list[UnattendedActs] = []
        self._pins: Pins | None = None
        self._what_acts: Callable[[], Mapping[str, int]] = dict
        self._ends_sharers = False
        self._counts = 0, 0
        """Counts at the time the maps were closed."""
        context.metrics.gauge("kernel_kills_total", lambda: self.counts()[0])
        context.metrics.gauge("kernel_kills_left_total", lambda: self.counts()[1])

    @property
    def goes_on(self) -> bool:
        """True if kills and denials are to continue when mozu dies."""
        return self._kills.goes_on

    def use(self, kills: KernelKills) -> None:
        """Use these rules; see `KillsInKernel`."""
        before, self._kills = self._kills, kills
        self._name_files()
        if self._arms is not None and msgspec.structs.replace(before, named_files=kills.named_files) != kills:
            self._arms.disarm()
            if kills.rules and _of(kills.rules) == self._placed:
                self._arm(self._arms)
            self._pin(self._arms)

    async def update(self, loader: Loader, thread: LoaderThread) -> None:
        """Make the programs of these rules run before the filters of their calls. To be called after those were set."""
        if self._arms is None:
            self._arms = KillArms(loader.maps)
        self._arms.disarm()
        self._loader = loader
        self._name_files()
        placed = _of(self._kills.rules)
        if placed or self._placed:
            kills = self._kills
            refused = await thread.run(lambda loader: loader.set_kills(kill_functions(_killing(kills))))
            warn_of(self._log, "source ebpf: the kernel kills at no %s: %s; mozu does", refused)
            refused = await thread.run(lambda loader: loader.set_denials(deny_functions(_denying(kills))))
            warn_of(self._log, "source ebpf: the kernel denies nothing at %s: %s", refused)
        self._placed, self._ends_sharers, self._what_acts = placed, loader.ends_sharers, loader.what_acts
        self._arm(self._arms)
        self._pin(self._arms)

    def _name_files(self) -> None:
        if self._loader is not None:
            try:
                self._loader.named_files.use(self._kills.named_files)
            except OSError as error:
                self._log.error("source ebpf: files named in rules are matched by path only: %s", error)

    def take_gaps(self) -> list[str]:
        """Return sentences on maps that another process has changed, which are restored. See `ReportsGaps`: a process
        with CAP_SYS_ADMIN in the first user namespace may open any map by its id."""
        if self._arms is None or self._loader is None:
            return []
        restored = {"KILLS": self._arms.restore(), "SETTINGS": self._loader.named_files.restore()}
        return [_CHANGED.format(name) for name, was_changed in restored.items() if was_changed]

    def take_denials(self) -> list[KernelDenial]:
        """Return the denials since the last call; see `DeniesInKernel`."""
        if self._arms is not None:
            self._denials += self._arms.denials()
            if self._pins is not None:
                self._pins.note(self._arms.acts())
        taken, self._denials = self._denials, []
        return taken

    def take_unattended(self) -> list[UnattendedActs]:
        """Return acts while no mozu ran; see `ActsUnattended`."""
        taken, self._unattended = self._unattended, []
        return taken

    def _pin(self, arms: KillArms) -> None:
        """Pin armed programs, so that they continue without mozu, if that is wanted; end those of earlier runs."""
        if not self._kills.pins:
            return
        pins = self._pins = self._pins or Pins(Path(self._kills.pins))
        pins.remove()
        if self._kills.goes_on and arms.is_armed:
            try:
                pins.place(self._what_acts(), self._kills.rules, arms.acts())
            except OSError as error:
                text = "source ebpf: kills and denials end with mozu: nothing can be pinned in %s: %s"
                self._log.warning(text, self._kills.pins, error)
        left = pins.end_others()
        self._unattended += left.acts
        self._denials += left.denials

    def _arm(self, arms: KillArms) -> None:
        self._denials += arms.denials()
        if not self._kills.rules or self._kills.off:
            return
        try:
            arms.arm(self._kills, ends_sharers=self._ends_sharers)
        except (OSError, TooManySpared) as error:
            arms.disarm()
            self._log.error("source ebpf: the kernel enforces no kill rule: %s; mozu enforces them", error)

    def counts(self) -> tuple[int, int]:
        """Return (acts and would-be acts, matching calls that were left to user space) since the start."""
        return self._counts if self._arms is None else self._arms.counts()

    def close(self) -> None:
        """Disarm before the maps are closed."""
        self._counts = self.counts()
        if self._arms is not None:
            self._arms.disarm()
            self._denials += self._arms.denials()
        if self._pins is not None:
            self._pins.remove()
        self._arms, self._loader, self._placed = None, None, ()


def _killing(kills: KernelKills) -> list[dict[SyscallSpec, Formula]]:
    """Return the conditions of kill rules, by the rule's index."""
    return [
        {SYSCALL_SPECS[name]: one for name, one in rule.predicates.items()} if rule.action == "kill" else {}
        for rule in kills.rules
    ]


def _denying(kills: KernelKills) -> list[Mapping[str, Formula]]:
    """Return the conditions of deny rules, by the rule's index."""
    return [rule.predicates if rule.action == "deny" else {} for rule in kills.rules]


def _of(rules: Collection[KernelKill]) -> _Placed:
    return tuple((rule.action, tuple(sorted(rule.predicates.items(), key=lambda pair: pair[0]))) for rule in rules)
