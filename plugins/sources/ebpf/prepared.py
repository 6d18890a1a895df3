"""A loader with the programs of the demanded event types compiled."""

import logging
from collections.abc import Iterable
from pathlib import Path

from mozu.plugins.sources.ebpf import codegen
from mozu.plugins.sources.ebpf.code_cache import machine_cache
from mozu.plugins.sources.ebpf.entry_paths import Switch, usable_entry_paths
from mozu.plugins.sources.ebpf.loader import Loader
from mozu.plugins.sources.ebpf.type_index import TypeIndex


def prepared_loader(
    types: Iterable[str], ring_size: int, compat32: Switch, place: Path | None, btf_file: Path, snaplen: int,
    log: logging.Logger, *, can_be_pinned: bool,
) -> Loader:  # fmt: skip
    """Return the loader, to be closed by the caller. `place`: directory of the code cache. Raises SourceUnavailable."""
    kernel = codegen.read_types(None if place is None else TypeIndex(place, log.warning), btf_file)
    cache = machine_cache(place, kernel.digest, log.warning)
    entry_paths = usable_entry_paths(compat32, kernel)
    loader = Loader(ring_size, entry_paths, kernel, cache, snaplen, can_be_pinned=can_be_pinned)
    try:
        loader.prepare(types)
        log.info("kernel programs: %s", loader.origin)
    except BaseException:
        loader.close()
        raise
    return loader
