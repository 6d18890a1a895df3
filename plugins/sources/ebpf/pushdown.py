"""Tests of a demand that the kernel filter can make: for `mozu rules explain` and `mozu why`, without a kernel."""

from collections.abc import Collection, Mapping
from functools import partial

import msgspec

from mozu.core.abi.syscall_specs import SYSCALL_SPECS
from mozu.core.filter.comparison import Comparison
from mozu.core.filter.demand import Demand
from mozu.core.filter.formula import Formula
from mozu.core.filter.pushdown import Precision, Pushdown
from mozu.core.model.fields import FieldRegistry
from mozu.plugins.sources.ebpf.kernel_filter import Chosen, choose
from mozu.plugins.sources.ebpf.kernel_filter.deny import undenied
from mozu.plugins.sources.ebpf.kernel_filter.filter_function import first_inexact
from mozu.plugins.sources.ebpf.kernel_filter.kill import undecided
from mozu.plugins.sources.ebpf.kernel_filter.passing import checked_part, passing
from mozu.plugins.sources.ebpf.kernel_filter.process_predicates import cacheable_fields
from mozu.plugins.sources.ebpf.objects import kernel_features
from mozu.plugins.sources.ebpf.tracepoints import filterable_types


def pushdown(demand: Demand, fields: FieldRegistry) -> Mapping[str, Pushdown]:
    """Return the tests of the predicate by event type."""
    process_fields = frozenset(cacheable_fields(fields))
    chosen = choose(demand, filterable_types(demand), process_fields)
    predicates = {name: demand.predicate("syscall", name) for name in demand.of("syscall")}
    return {
        name: msgspec.structs.replace(_of(one, name, chosen, process_fields), undenied=_undenied(name, predicates))
        for name, one in predicates.items()
    }


def _undenied(name: str, predicates: Mapping[str, Formula]) -> Comparison | str | None:
    """Return the obstacle to denials in the condition, else the general one on this machine."""
    found = undenied(name, predicates)
    if found is not None or not (missing := kernel_features.why_nothing_is_denied()):
        return found
    return f"not available: {missing}"


def _of(predicate: Formula, name: str, chosen: Chosen, process_fields: Collection[str]) -> Pushdown:
    function, spec = chosen.functions.get(name), SYSCALL_SPECS.get(name)
    if spec is None:
        return Pushdown(Precision.NONE)
    inexact, why = first_inexact(spec, predicate), undecided(spec, predicate)
    if function is None:
        return Pushdown(Precision.NONE, inexact, why)
    tests = partial(
        checked_part, function=function, spec=spec, process_predicates=chosen.predicates, process_fields=process_fields
    )
    if function.is_exact:
        return Pushdown(Precision.EXACT, None, why, passing(spec, predicate), tests)
    return Pushdown(Precision.NECESSARY, inexact, why, passing(spec, predicate), tests)
