"""The loaded kernel filters: a program for each type of programs that entry paths tail-call."""

import os
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from mozu.plugins.sources.ebpf.kernel_filter import FilterFunction, without_refused
from mozu.plugins.sources.ebpf.objects.program_code import FilterRefused, Loaded, ProgramCode


class LoadedFilters(NamedTuple):
    """Result of loading filters."""

    usable: Mapping[str, FilterFunction]
    """Loaded filters by event type."""
    refused: Mapping[str, str]
    """Reason for which there is no filter, by event type."""


class FilterPrograms:
    """Owner of the filters' descriptors. `kinds`: types of programs needed for each."""

    def __init__(self, code: ProgramCode, kinds: Collection[int]) -> None:
        self._code, self._kinds = code, kinds
        self._loaded: Loaded = {}

    def load(self, functions: Mapping[str, FilterFunction]) -> LoadedFilters:
        """Load these filters."""
        refused: dict[str, str] = {}
        present = {name for name, _ in self._loaded}
        for function in {one.name: one for one in functions.values()}.values():
            if function.name in present:
                continue
            try:
                self._loaded |= self._code.load_filter(function.code, self._kinds)
            except FilterRefused as error:
                refused |= {name: str(error) for name, one in functions.items() if one.name == function.name}
        usable = without_refused(functions, refused)
        others = functions.keys() - usable.keys() - refused.keys()
        return LoadedFilters(usable, refused | dict.fromkeys(others, "it must not differ from a call that has none"))

    def descriptor(self, function: FilterFunction, kind: int) -> int:
        """Return the descriptor of the program of this type."""
        return self._loaded[function.name, kind]

    def keep_only(self, functions: Iterable[FilterFunction]) -> None:
        """Close all other filters: those that the kernel still tail-calls stay loaded there."""
        used = {function.name for function in functions}
        for key in [key for key in self._loaded if key[0] not in used]:
            os.close(self._loaded.pop(key))
