"""Code of programs from the code cache, else from the compiler's child."""

from collections.abc import Collection, Mapping

from mozu.core.api import SourceUnavailable
from mozu.plugins.sources.ebpf import btf, placeholders, subprograms, wire
from mozu.plugins.sources.ebpf.code_cache import CodeCache
from mozu.plugins.sources.ebpf.codegen import SUBPROGRAMS, Texts, Unit, Variant
from mozu.plugins.sources.ebpf.compiler import BpfCompiler, needed_compiler
from mozu.plugins.sources.ebpf.loop_entries import reached_by_jumps
from mozu.plugins.sources.ebpf.relocatable import RelocatableCode, UnknownSymbol

Codes = Mapping[str, RelocatableCode]
"""Code by entry of a unit."""


class CodeSupply:
    """Supply for one kernel. `cache`: None if nothing is stored; `compiler`: None for this machine's, when needed."""

    def __init__(self, types: btf.Btf, cache: CodeCache | None, compiler: BpfCompiler | None = None) -> None:
        self._texts = Texts(types)
        self._cache, self._compiler = cache, compiler
        self._subprograms: dict[Variant, subprograms.Library] = {}
        self.cached = self.compiled = 0
        """Numbers of units from the cache, and of compiled ones."""

    def from_cache(self, units: Collection[Unit], variant: Variant) -> Codes:
        """Return the cached code of these units in this variant."""
        if self._cache is None:
            return {}
        found = self._cache.read([(unit.entry, self._key(self._cache, variant, unit)) for unit in units])
        self.cached += len(found)
        return found

    def compile(self, units: Collection[Unit], variant: Variant) -> Codes:
        """Compile all units at once, with the subprograms that they call. Raises SourceUnavailable."""
        known = self._subprograms.get(variant)
        wanted = [*units, *(SUBPROGRAMS if known is None else ())]
        text = self._texts.main(variant, wanted)
        raw = (self._compiler or needed_compiler()).compile(text, wire.SOURCES, [unit.entry for unit in wanted])
        codes = {entry: reached_by_jumps(placeholders.relocatable(entry, code)) for entry, code in raw.items()}
        self.compiled += len(units)
        try:
            if known is None:
                known = subprograms.library({name: codes[f"mozu_{name}"] for name in subprograms.NAMES})
                self._subprograms[variant] = known
            return {unit.entry: subprograms.joined(codes[unit.entry], known) for unit in units}
        except UnknownSymbol as error:
            raise SourceUnavailable(f"source ebpf: the kernel programs cannot be linked ({error})") from error

    def keep(self, units: Collection[Unit], variant: Variant, codes: Codes) -> None:
        """Put compiled units into the cache, once the kernel has accepted them."""
        if self._cache is not None:
            cache = self._cache
            cache.write([cache.entry(self._key(cache, variant, unit), codes[unit.entry]) for unit in units])

    @property
    def origin(self) -> str:
        """Text with the numbers of cached and compiled programs."""
        return f"{self.cached} programs from the code cache, {self.compiled} compiled"

    def digest(self, variant: Variant, unit: Unit) -> bytes:
        """Return the digest of the compiler's whole input for a unit."""
        return self._texts.digest(variant, unit)

    def _key(self, cache: CodeCache, variant: Variant, unit: Unit) -> bytes:
        return cache.key(self.digest(variant, unit))
