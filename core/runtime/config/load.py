"""Load the configuration: find the main file and the drop-ins (config.d), read them, merge them."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from mozu.core.runtime.config.default import DEFAULT, DEFAULT_NAME, DEFAULT_PATH
from mozu.core.runtime.config.included import included, names_files, refuse_elsewhere
from mozu.core.runtime.config.interpret import interpret
from mozu.core.runtime.config.layer import Layer, layer_of
from mozu.core.runtime.config.mark import Mark, Problems
from mozu.core.runtime.config.merge import stack
from mozu.core.runtime.config.model import Config
from mozu.core.runtime.config.node import YamlNode
from mozu.core.runtime.config.override import StdoutForm, override, use_form, use_rules
from mozu.core.runtime.config.reader import parse


def load(
    path: Path | None = None,
    overrides: Sequence[str] = (),
    *,
    rules: Sequence[str] = (),
    form: StdoutForm | None = None,
    environment: Mapping[str, str] | None = None,
) -> Config:
    """Return the configuration; see `read`. Raises ConfigError with every mistake.

    The settings of plugins are not validated: only `Registry` knows them.
    """
    config, problems = read(path, overrides, rules=rules, form=form, environment=environment)
    problems.check()
    return config


def read(
    path: Path | None = None,
    overrides: Sequence[str] = (),
    *,
    rules: Sequence[str] = (),
    form: StdoutForm | None = None,
    environment: Mapping[str, str] | None = None,
) -> tuple[Config, Problems]:
    """Return the configuration and every mistake in it.

    `path` is the main file; None: /etc/mozu/mozu.yaml if there is one. `overrides` are texts `key.path=value`; `rules`
    replaces the rules of the evaluator falco; `form` is the format of the sink stdout. `environment` serves `${VAR}`.
    """
    problems = Problems()
    environment = os.environ if environment is None else environment
    layer = layer_of(parse(DEFAULT, DEFAULT_NAME, problems), DEFAULT_NAME, problems)
    main = path or Path(DEFAULT_PATH)
    own = Layer(YamlNode({}, Mark(str(main), 1, 1)))
    if path is not None or os.path.lexists(main):
        own = _file(main, problems, environment)
    for text in filter(names_files, overrides):
        override(own, text, problems)
    written = included(
        own, lambda file: _file(file, problems, environment), lambda folder: _drop_ins(folder, problems), problems
    )
    layer = stack(layer, written.layer, problems, replace=True)
    drop_ins = main.parent / "config.d"
    for file in _drop_ins(drop_ins, problems):
        layer = stack(layer, _file(file, problems, environment), problems)
    for text in overrides:
        if not names_files(text):
            override(layer, text, problems)
    use_rules(layer, rules, problems)
    if form is not None:
        use_form(layer, form, problems)
    refuse_elsewhere(written.layer, layer, problems)
    config = interpret(layer, problems.files, problems)
    return msgspec.structs.replace(config, places=(main.absolute(), drop_ins.absolute(), *written.places)), problems


def _drop_ins(directory: Path, problems: Problems) -> list[Path]:
    try:
        return sorted(path for path in directory.iterdir() if path.suffix == ".yaml" and not path.name.startswith("."))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        problems.add(Mark(str(directory)), f"this directory cannot be read: {error.strerror}")
        return []


def _file(path: Path, problems: Problems, environment: Mapping[str, str]) -> Layer:
    where = str(path)
    problems.file(where)
    text = _text(path, problems)
    return layer_of(None if text is None else parse(text, where, problems, environment), where, problems)


def _text(path: Path, problems: Problems) -> str | None:
    try:
        raw = path.read_bytes()
    except OSError as error:
        problems.add(Mark(str(path)), f"this file cannot be read: {error.strerror}")
        return None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start]
        place = Mark(str(path), before.count(b"\n") + 1, error.start - (before.rfind(b"\n") + 1) + 1)
        problems.add(place, "this byte is not UTF-8 text")
        return None
