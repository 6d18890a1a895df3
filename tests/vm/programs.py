"""Compiles the kernel programs for a kernel that does not run here, into a code cache:

    python3 -I programs.py SITE BTF RELEASE VERSION PLACE

Run with the Python and the libbcc of the machine that will load them; SITE: the modules of its mozu; RELEASE, VERSION:
`uname -r`, `uname -v` of its kernel. LLVM takes minutes in an emulated machine of two cores that are busy. No verifier
sees the code here: `mozu ebpf build` has each program loaded when it finds it.
"""

import sys
from pathlib import Path


def main() -> None:
    """Print how many there are."""
    site, btf_file, release, version, place = sys.argv[1:]
    sys.path.insert(0, site)
    from mozu.plugins.sources.ebpf import build, codegen
    from mozu.plugins.sources.ebpf.code_cache import CodeCache, KernelBuild
    from mozu.plugins.sources.ebpf.code_supply import CodeSupply
    from mozu.plugins.sources.ebpf.compiler import needed_compiler
    from mozu.plugins.sources.ebpf.kfunc_casts import FUNCTION

    types = codegen.read_types(path=Path(btf_file))
    units = [codegen.program_unit(one) for one in build.every_program(types).values()]
    units += map(codegen.part_unit, (*codegen.PARTS, *codegen.KILL_PARTS, *codegen.DENY_PARTS))
    compiler = needed_compiler()
    cache = CodeCache(Path(place), KernelBuild(f"{release} {version}", types.digest), compiler.version, print)
    supply = CodeSupply(types, cache, compiler)
    variants = [codegen.Variant(casts=False, depth=128)]
    if types.function(FUNCTION):
        variants += [codegen.Variant(casts=True, depth=128, may_goto=one) for one in (False, True)]
    for variant in variants:
        supply.keep(units, variant, supply.compile(units, variant))
    print(supply.origin)


if __name__ == "__main__":
    main()
