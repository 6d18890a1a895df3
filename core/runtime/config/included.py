"""`config_files`: files that are read as if they were part of the main one, in their order, by Falco's strategies."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import msgspec
from pydantic import ValidationError

from mozu.core.runtime.config.config_file import ConfigFile, Strategy
from mozu.core.runtime.config.layer import Layer
from mozu.core.runtime.config.mark import Problems
from mozu.core.runtime.config.merge import stack
from mozu.core.runtime.config.node import YamlNode

KEY: Final = "config_files"


class Included(msgspec.Struct):
    """The main file with all that it includes."""

    layer: Layer
    places: tuple[Path, ...] = ()
    """Paths that the main file names."""


def names_files(option: str) -> bool:
    """Return True if an option of the command line changes the list itself; such options are applied first, as in
    Falco."""
    return option.startswith((f"{KEY}=", f"{KEY}[", f"{KEY}+"))


def included(
    main: Layer, read: Callable[[Path], Layer], files_in: Callable[[Path], list[Path]], problems: Problems
) -> Included:
    """Return the main layer merged with the files that it includes. `read` returns the layer of a file, `files_in` the
    files of a directory. A wrong entry is passed over: the validation of settings reports it."""
    found = Included(main)
    for entry in _entries(main):
        found.places += (entry.path,)
        for file in files_in(entry.path) if entry.path.is_dir() else [entry.path]:
            layer = read(file)
            nested = layer.core.child(KEY)
            if nested is not None:
                problems.add(layer.core.key_mark(KEY), f"{KEY} stands in the main file only")
            found.layer = _combined(found.layer, layer, entry.strategy, problems)
    return found


def refuse_elsewhere(main: Layer, whole: Layer, problems: Problems) -> None:
    """Refuse a list that a drop-in or an option sets, because nothing would read it."""
    first, last = main.core.child(KEY), whole.core.child(KEY)
    if last is not None and (first is None or first.mark != last.mark):
        problems.add(last.mark, f"{KEY} stands in the main file only")


def _entries(main: Layer) -> Iterator[ConfigFile]:
    node = main.core.child(KEY)
    for item in node.value if node is not None and isinstance(node.value, list) else ():
        try:
            yield ConfigFile.model_validate(item.plain())
        except ValidationError:
            continue


def _combined(main: Layer, more: Layer, strategy: Strategy, problems: Problems) -> Layer:
    if strategy == "append":
        return stack(main, more, problems)
    below, above = (main, more) if strategy == "override" else (more, main)
    keys = {**below.core.keys, **above.core.keys}
    core = YamlNode({**below.core.mapping(), **above.core.mapping()}, main.core.mark, keys)
    return Layer(core, {**below.sections, **above.sections})
