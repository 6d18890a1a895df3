"""What the kernel filter can test of a demand: for `mozu rules explain`, without a kernel."""

from collections.abc import Mapping

from mozu.core.abi.syscall_specs import SYSCALL_SPECS
from mozu.core.filter.demand import Demand
from mozu.core.filter.pushdown import Precision, Pushdown
from mozu.core.model.fields import FieldRegistry
from mozu.plugins.sources.ebpf.kernel_filter import choose
from mozu.plugins.sources.ebpf.kernel_filter.filter_function import FilterFunction, first_inexact
from mozu.plugins.sources.ebpf.kernel_filter.process_predicates import cacheable_fields
from mozu.plugins.sources.ebpf.source import filterable_types


def pushdown(demand: Demand, fields: FieldRegistry) -> Mapping[str, Pushdown]:
    """Event type → what is tested of its predicate."""
    functions = choose(demand, filterable_types(demand), cacheable_fields(fields)).functions
    return {name: _of(demand, name, functions.get(name)) for name in demand.of("syscall")}


def _of(demand: Demand, name: str, function: FilterFunction | None) -> Pushdown:
    if function is not None and function.is_exact:
        return Pushdown(Precision.EXACT)
    spec = SYSCALL_SPECS.get(name)
    inexact = None if spec is None else first_inexact(spec, demand.predicate("syscall", name))
    return Pushdown(Precision.NONE if function is None else Precision.NECESSARY, inexact)
