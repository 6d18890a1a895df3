"""A loader with the programs of the demanded event types loaded."""

import logging
from collections.abc import Iterable
from pathlib import Path

from mozu.plugins.sources.ebpf.entry_paths import Switch, usable_entry_paths
from mozu.plugins.sources.ebpf.loader import Loader
from mozu.plugins.sources.ebpf.objects import codegen


def prepared_loader(
    types: Iterable[str], ring_size: int, compat32: Switch, btf_file: Path, snaplen: int, log: logging.Logger, *,
    can_be_pinned: bool,
) -> Loader:  # fmt: skip
    """Return the loader, to be closed by the caller. Raises SourceUnavailable."""
    kernel = codegen.read_types(btf_file)
    entry_paths = usable_entry_paths(compat32, kernel)
    loader = Loader(ring_size, entry_paths, kernel, snaplen, can_be_pinned=can_be_pinned)
    try:
        loader.prepare(types)
        log.info("kernel programs: %s", loader.origin)
    except BaseException:
        loader.close()
        raise
    return loader
