"""Live system calls of this machine, from eBPF programs at tracepoints (bpf/): docs/operate/sources.md.

This page is the first one of the source: it names the file of each thing, and the file's own docstring is the next.

One call, from the kernel to an event (docs/path-of-an-event.md):

    tracepoints.py    event types that a demand requires; the programs of each, and their tracepoints
    entry_paths.py    32-bit calls, and which entry paths this kernel has besides the native one; uring.py: io_uring
    loader.py         what is loaded and attached at present, the program arrays of tail calls, loss counters
    kernel_filter/    programs that refuse calls which no rule matches (the language; assembly.py: its assembler)
    verdicts.py       processes and opens that user space has judged, so that the kernel need not ask again
    ring.py           ring buffer, fill from which accounts pay, waiting for records
    decode/           records become events; the wall time of records
    source.py         the loop: starts, changes of demand, batches of events, stop
    loader_thread.py  the thread that works on the loader

The programs (objects/):

    build.py          C of bpf/ becomes object files, where mozu is built; compiler.py: libbcc
    codegen.py        the C around each program, and placeholders; subprograms.py: code that programs share
    object_file.py    the files in the package; relocatable.py: the code in them, linked and bound
    kernel_structs.py what programs read of kernel structs, and their places in the running kernel
    kernel_features.py what this kernel accepts: typed pointers, may_goto, signals, BPF LSM
    program_code.py   BPF_PROG_LOAD in the first variant and depth that the verifier accepts
    call_exits.py     one program at the exit of each call or of all calls; the test at a start

Acts (acts/):

    kill_programs.py  kill rules: programs, bounds, spared processes
    deny_programs.py  deny rules: programs at hooks of the security modules, reports
    in_kernel.py      both for one source across starts, and pinned for the time after mozu's death

The kernel and its data:

    bpf_syscall.py    bpf(2) and perf_event_open(2); btf.py: the kernel's types
    maps.py           every map, its size and constant content; files that rules name
    wire.py           layouts of the structs in bpf/
    accounts.py       counts of events, and floods: accounts with refused events
    checks.py         capabilities, tracefs, causes of a refusal
    visibility.py     `mozu sources`, `mozu run --check`, and the probe; commands.py: `mozu ebpf`; settings.py
"""

import os
from collections.abc import Collection, Mapping
from functools import partial
from typing import TYPE_CHECKING, Final

import msgspec

from mozu.core.abi.syscall_specs import SYSCALL_SPECS
from mozu.core.api import Context, SourceDeclaration, hookimpl
from mozu.core.filter.comparison import Comparison
from mozu.core.filter.demand import Demand
from mozu.core.filter.formula import Formula
from mozu.core.filter.pushdown import Precision, Pushdown
from mozu.core.model.fields import FieldRegistry
from mozu.plugins.sources.ebpf import visibility
from mozu.plugins.sources.ebpf.btf import BTF_FILE
from mozu.plugins.sources.ebpf.kernel_filter import Chosen, choose
from mozu.plugins.sources.ebpf.kernel_filter.deny import undenied
from mozu.plugins.sources.ebpf.kernel_filter.filter_function import first_inexact
from mozu.plugins.sources.ebpf.kernel_filter.kill import undecided
from mozu.plugins.sources.ebpf.kernel_filter.passing import checked_part, passing
from mozu.plugins.sources.ebpf.kernel_filter.process_predicates import cacheable_fields
from mozu.plugins.sources.ebpf.objects import kernel_features
from mozu.plugins.sources.ebpf.settings import EbpfSettings
from mozu.plugins.sources.ebpf.source import EbpfSource
from mozu.plugins.sources.ebpf.tracepoints import filterable_types

if TYPE_CHECKING:
    import click

_RING_PER_CPU: Final = 4 << 20


def ring_size(cpus: int) -> int:
    """Return the bytes of the ring buffer for so many CPUs, each of which can fill its share."""
    return _RING_PER_CPU << (max(2, min(cpus, 32)) - 1).bit_length()


def _build(settings: EbpfSettings, context: Context) -> EbpfSource:
    size = settings.ring_size or ring_size(os.cpu_count() or 1)
    return EbpfSource(
        size,
        context,
        settings.compat32,
        kernel_filter=settings.kernel_filter,
        btf_file=settings.btf or BTF_FILE,
        snaplen=settings.snaplen,
    )


def _commands() -> Mapping[str, "click.Command"]:
    from mozu.plugins.sources.ebpf.commands import COMMANDS  # for `mozu ebpf` alone

    return COMMANDS


@hookimpl
def mozu_components() -> SourceDeclaration[EbpfSettings]:
    """Declare the source `ebpf`."""
    return SourceDeclaration(
        name="ebpf",
        build=_build,
        summary="Live system calls of this machine, from programs in the kernel.",
        settings=EbpfSettings,
        event_source="syscall",
        live=True,
        changeable=frozenset({"kernel_filter"}),
        pushdown=pushdown,
        visibility=visibility.visibility,
        commands=_commands,
        start_problem=lambda settings: visibility.problem(settings.btf or BTF_FILE),
        privileges=lambda settings: visibility.privileges(),
    )


def pushdown(demand: Demand, fields: FieldRegistry) -> Mapping[str, Pushdown]:
    """Return the tests of a demand that the kernel filter can make, by event type: for `mozu rules explain` and
    `mozu why`, without a kernel."""
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
