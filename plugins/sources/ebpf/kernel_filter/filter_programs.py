"""The loaded kernel filters: a program for each type of programs that entry paths tail-call."""

from collections.abc import Mapping
from typing import NamedTuple

from mozu.plugins.sources.ebpf.kernel_filter import FilterFunction, without_refused
from mozu.plugins.sources.ebpf.kernel_filter.filled_maps import filled
from mozu.plugins.sources.ebpf.objects.program_code import FilterRefused, RulePrograms


class LoadedFilters(NamedTuple):
    """Result of loading filters."""

    usable: Mapping[str, FilterFunction]
    """Loaded filters by event type."""
    refused: Mapping[str, str]
    """Reason for which there is no filter, by event type."""


class FilterPrograms(RulePrograms):
    """Owner of the filters' descriptors."""

    def load(self, functions: Mapping[str, FilterFunction]) -> LoadedFilters:
        """Load these filters."""
        refused: dict[str, str] = {}
        present = {name for name, _ in self._loaded}
        for function in {one.name: one for one in functions.values()}.values():
            if function.name in present:
                continue
            try:
                with filled(function.maps) as maps:
                    self._loaded |= self._code.load_filter(function.code, self._kinds, maps=maps)
            except FilterRefused as error:
                refused |= {name: str(error) for name, one in functions.items() if one.name == function.name}
        usable = without_refused(functions, refused)
        others = functions.keys() - usable.keys() - refused.keys()
        return LoadedFilters(usable, refused | dict.fromkeys(others, "it must not differ from a call that has none"))
